import pytest
import torch

from bokehbench.benchmarks.request import RunRequest
from bokehbench.benchmarks.run import session
from bokehbench.benchmarks.run.cases import Case
from bokehbench.core.errors import InvalidOptionError, UnknownNameError
from bokehbench.core.files import sha256_of
from bokehbench.core.registry import Entry
from bokehbench.datasets.interface import SceneDataset
from bokehbench.robustness.sweep import perturb, plan_severities, run_sweep


def test_default_axis_is_the_papers():
    assert plan_severities(["erode"]) == [("erode", s) if s else ("none", 0) for s in range(-10, 11, 2)]


def test_chosen_severities_always_hold_the_neutral_one_and_are_sorted():
    assert plan_severities(["blur"], [4, 1]) == [("none", 0), ("blur", 1), ("blur", 4)]
    assert plan_severities(["zoom"], [4, 2]) == [("none", 0), ("zoom", 2), ("zoom", 4)]


@pytest.mark.parametrize(
    ("names", "severities", "error"),
    [
        (["erode"], [0.5], InvalidOptionError),
        (["zoom", "erode"], [1], InvalidOptionError),
        (["blur"], [-1], InvalidOptionError),
        (["erode"], [0], InvalidOptionError),
        (["zoom"], [1], InvalidOptionError),
        (["zoom"], [0.5], InvalidOptionError),
        (["erodes"], None, UnknownNameError),
    ],
)
def test_impossible_plans_are_refused(names, severities, error):
    with pytest.raises(error):
        plan_severities(names, severities)


def test_case_is_perturbed_by_name_severity_and_seed(make_scene):
    scene = make_scene()

    def noisy(seed):
        return perturb(
            scene, Case(dataset="d", scene=scene.name, renderer="r", perturbation="noise", severity=5, seed=seed)
        ).disparity

    assert torch.equal(noisy(0), noisy(0))
    assert not torch.equal(noisy(0), noisy(1))


@pytest.fixture
def sweep(monkeypatch, tmp_path, make_scene):
    """A function that sweeps three scenes, of which those named have ground truth."""

    def start(*with_target, limit=None, renderers=("classical",), perturbations=("shift",)):
        class Mixed(SceneDataset):
            name = "folder"
            protocol = terms = "for tests"
            scored = bool(with_target)

            def scene_names(self):
                return ["one", "two", "three"]

            def has_target(self, scene_name):
                return scene_name in with_target

            def load(self, scene_name):
                scene = make_scene(name=scene_name)
                return scene if self.has_target(scene_name) else scene.without_target()

        monkeypatch.setattr(session, "load_dataset", lambda name, root: Mixed())
        return run_sweep(
            RunRequest(
                renderers=renderers,
                datasets=["folder"],
                metrics=["psnr"],
                output=tmp_path,
                device="cpu",
                limit=limit,
                perturbations=perturbations,
                severities=[2],
            )
        )

    return start


def test_a_sweep_leaves_out_scenes_that_cannot_be_scored_and_says_so(sweep, caplog):
    rows = sweep("two", "three")
    assert [(row["scene"], row["severity"]) for row in rows] == [("two", 0), ("two", 2), ("three", 0), ("three", 2)]
    assert all(row["metrics"]["psnr"] for row in rows)
    assert "folder: 1 of 3 scenes are left out: they have no ground truth" in caplog.text


def test_the_code_of_a_perturbation_counts_where_something_is_perturbed(sweep, monkeypatch):
    first = sweep("two")
    assert ["perturbation" in row["code"] for row in first] == [False, True]
    assert sweep("two") == first
    original = Entry.hash_code
    monkeypatch.setattr(
        Entry,
        "hash_code",
        lambda entry, plugin: original(entry, plugin) | ({"edited": "1"} if ".perturbations" in entry.target else {}),
    )
    plain, perturbed = sweep("two")
    assert plain == first[0]
    assert perturbed["key"] != first[1]["key"]


def test_a_renderer_that_takes_no_disparity_is_rendered_once_a_scene(sweep):
    rows = sweep("two", "three", renderers=("identity", "classical"))
    found = [(row["renderer"], row["scene"], row["severity"]) for row in rows]
    both = [("classical", scene, severity) for scene in ("two", "three") for severity in (0, 2)]
    assert found == [("identity", "two", 0), ("identity", "three", 0), *both]


def test_a_sweep_of_nothing_but_such_renderers_is_refused(sweep):
    with pytest.raises(InvalidOptionError, match="--renderers identity: expected one that takes a disparity"):
        sweep("two", renderers=("identity",))


def test_every_renderer_sees_a_changed_picture_and_the_row_says_where_it_lies(sweep, tmp_path):
    asked = {"renderers": ("identity", "classical"), "perturbations": ("zoom", "zoom-both")}
    rows = sweep("two", **asked)
    found = [(row["renderer"], row["perturbation"], bool(row["input"]), bool(row["disparity"])) for row in rows]
    kinds = [("none", False, False), ("zoom", True, False), ("zoom-both", True, True)]
    assert found == [(renderer, *kind) for renderer in ("identity", "classical") for kind in kinds]
    assert all(row["image_sha256"] == row["input_sha256"] for row in rows[1:3])  # the identity shows what it sees
    stored = {tmp_path / "results/default" / row["input"]: row["input_sha256"] for row in rows if row["input"]}
    next(iter(stored)).write_bytes(b"lost")
    assert sweep("two", **asked) == rows
    assert {path: sha256_of(path) for path in stored} == stored


def test_a_limit_counts_the_scenes_that_a_sweep_keeps(sweep):
    assert {row["scene"] for row in sweep("two", "three", limit=1)} == {"two"}


def test_a_sweep_without_any_ground_truth_is_refused(sweep):
    with pytest.raises(InvalidOptionError, match="folder: no scene to render: a sweep needs some with ground truth"):
        sweep()
