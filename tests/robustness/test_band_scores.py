"""Scores within the wrong band, as a sweep stores them."""

import numpy as np
import pytest

from bokehbench.benchmarks import results
from bokehbench.benchmarks.request import RunRequest
from bokehbench.benchmarks.run import session
from bokehbench.core.files import read_image
from bokehbench.datasets.interface import SceneDataset
from bokehbench.robustness import band_scores
from bokehbench.robustness.perturbations.registry import load_perturbation
from bokehbench.robustness.sweep import run_sweep
from bokehbench.robustness.wrong_band import find_wrong_band


@pytest.fixture
def sweep(monkeypatch, tmp_path, make_scene):
    """A function that sweeps one scene; ``known``: whether its disparity is the true one."""

    def start(*perturbations, known=True):
        class One(SceneDataset):
            name = "folder"
            protocol = terms = "for tests"
            true_disparity = known

            def scene_names(self):
                return ["one"]

            def load(self, scene_name):
                return make_scene(48, 64, name=scene_name)

        monkeypatch.setattr(session, "load_dataset", lambda name, root: One())
        asked = {"renderers": ("identity", "classical"), "datasets": ["folder"], "metrics": ["psnr"], "device": "cpu"}
        asked["perturbations"] = perturbations or ("erode",)
        return run_sweep(RunRequest(output=tmp_path, severities=[4], **asked))

    return start


def psnr(errors):
    return -10.0 * np.log10(errors.mean())


def test_scores_are_those_of_the_stored_pictures_within_the_band_and_outside(sweep, tmp_path, make_scene):
    blind, true, wrong = sweep()
    assert (blind["wrong_band"], true["wrong_band"]) == (None, None)
    scene = make_scene(48, 64, name="one")
    given = load_perturbation("erode").apply(scene, 4)
    band = find_wrong_band(scene.defocus[0].numpy(), given.defocus[0].numpy())
    folder = tmp_path / "results/default"
    target = read_image(folder / "scenes/folder/one/target.png").numpy()
    errors = {
        name: np.square(read_image(folder / row["image"]).numpy() - target).mean(axis=0)
        for name, row in (("", wrong), ("true_", true))
    }
    stored = wrong["wrong_band"]
    assert stored["share"] == pytest.approx(band.mean())
    for name, error in errors.items():
        assert stored[f"{name}inside"] == pytest.approx(psnr(error[band]), abs=1e-4)
        assert stored[f"{name}outside"] == pytest.approx(psnr(error[~band]), abs=1e-4)
    table = results.read(folder, sweep=True)
    assert table["band_inside"].dropna().tolist() == [stored["inside"]]


def test_what_is_measured_is_kept_until_its_code_changes(sweep, monkeypatch):
    first = sweep()
    with monkeypatch.context() as context:
        context.setattr(band_scores, "_measure", lambda *due: pytest.fail("measured again"))
        assert sweep() == first
    monkeypatch.setattr(band_scores, "hash_sources", lambda module: {module: "edited"})
    again = sweep()
    assert again[2]["wrong_band"]["measured_by"] != first[2]["wrong_band"]["measured_by"]
    assert again[2]["time"] == first[2]["time"]


def test_a_map_that_is_wrong_nowhere_enough_has_an_empty_band(sweep, monkeypatch):
    monkeypatch.setattr("bokehbench.robustness.wrong_band.WRONG_PX", 100.0)
    stored = sweep()[2]["wrong_band"]
    assert (stored["share"], stored["inside"], stored["true_inside"]) == (0.0, None, None)


@pytest.mark.parametrize(("perturbation", "known"), [("zoom", True), ("zoom-both", True), ("erode", False)])
def test_there_is_none_where_the_picture_changed_or_no_true_map_is_known(sweep, perturbation, known):
    assert all(row["wrong_band"] is None for row in sweep(perturbation, known=known))


def test_a_lost_picture_costs_the_scores_of_its_scene_and_is_named(sweep, monkeypatch, caplog):
    def lose(path):
        raise OSError(f"{path}: gone")

    monkeypatch.setattr(band_scores, "read_image", lose)
    rows = sweep()
    assert all(row["status"] == "ok" and row["wrong_band"] is None for row in rows)
    assert "folder / one: no scores within the wrong band:" in caplog.text
