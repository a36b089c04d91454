"""A command from names to a stored run, with a renderer whose weights come from elsewhere."""

from unittest.mock import Mock

import pytest

from bokehbench.benchmarks.request import RunRequest
from bokehbench.benchmarks.run import session
from bokehbench.benchmarks.run.run_record import _describe_renderer
from bokehbench.benchmarks.run.session import run_benchmark
from bokehbench.core.errors import DamagedDataError, InvalidOptionError, MissingWeightsError
from bokehbench.datasets.interface import SceneDataset
from bokehbench.renderers.interface import Capabilities, Renderer
from bokehbench.renderers.registry import load_renderer


class One(SceneDataset):
    """One scene under the name of a data set that can be asked for."""

    name = "motorcycle"
    protocol = terms = "for tests"

    def __init__(self, make_scene, has_target=True):
        super().__init__()
        self.make_scene, self.known = make_scene, has_target

    def scene_names(self):
        return ["one"]

    def has_target(self, scene_name):
        return self.known

    def load(self, scene_name):
        return self.make_scene(name=scene_name)


class Remote(Renderer):
    """Its weights are the content of a file, which ``source`` fills."""

    name = "identity"
    capabilities = Capabilities()

    def __init__(self, file, source, rendered):
        super().__init__()
        self.file, self.source, self.rendered = file, source, rendered

    @property
    def weights(self):
        return self.file.read_text() if self.file.exists() else None

    def fetch(self):
        if not self.file.exists():
            self.file.write_text(self.source())

    def _load(self):
        self.fetch()

    def _render(self, scene, seed):
        self.rendered.append(scene.name)
        return scene.image


@pytest.fixture
def run(monkeypatch, tmp_path, make_scene):
    """A function that runs one scene with weights from ``source``; returns its row and what was rendered so far."""
    rendered = []

    def start(source):
        monkeypatch.setattr(session, "load_dataset", lambda name, root: One(make_scene))
        monkeypatch.setattr(session, "load_renderer", lambda name: Remote(tmp_path / "weights", source, rendered))
        request = RunRequest(renderers=["identity"], datasets=["motorcycle"], metrics=[], output=tmp_path, device="cpu")
        return run_benchmark(request)[0], rendered

    return start


def test_weights_that_a_run_fetches_are_in_its_keys(run):
    first, _ = run(lambda: "authors 12345678")
    assert first["status"] == "ok"
    assert first["weights"] == "authors 12345678"
    second, rendered = run(lambda: "authors 12345678")
    assert second == first
    assert rendered == ["one"], "the next run finds the case finished"


def test_weights_that_cannot_be_had_skip_their_cases(run):
    def fail():
        raise MissingWeightsError("no network: get them")

    row, rendered = run(fail)
    assert (row["status"], row["reason"]) == ("skipped", "no network: get them")
    assert rendered == []


def test_a_refused_command_discards_nothing(monkeypatch, tmp_path, make_scene):
    monkeypatch.setattr(session, "load_dataset", lambda name, root: One(make_scene, has_target=False))
    asked = {"renderers": ["identity"], "datasets": ["motorcycle"], "metrics": [], "output": tmp_path, "device": "cpu"}
    run_benchmark(RunRequest(**asked))
    stored = {path: path.read_bytes() for path in (tmp_path / "results").rglob("*.json*")}
    assert stored
    with pytest.raises(InvalidOptionError, match="no scene to render"):
        run_benchmark(RunRequest(**asked, fresh=True), [("erode", 2.0)])
    assert {path: path.read_bytes() for path in stored} == stored


def test_a_data_set_without_scenes_is_no_matter_of_sweeps(monkeypatch, tmp_path, make_scene):
    monkeypatch.setattr(session, "load_dataset", lambda name, root: One(make_scene))
    monkeypatch.setattr(One, "scene_names", lambda self: [])
    asked = {"renderers": ["identity"], "datasets": ["motorcycle"], "metrics": [], "output": tmp_path, "device": "cpu"}
    with pytest.raises(InvalidOptionError, match=r"^motorcycle: no scene to render$"):
        run_benchmark(RunRequest(**asked))


def test_a_data_set_without_scenes_beside_others_is_named(monkeypatch, tmp_path, make_scene, caplog):
    empty = type("Empty", (One,), {"scene_names": lambda self: []})
    monkeypatch.setattr(session, "load_dataset", lambda name, root: (empty if name == "folder" else One)(make_scene))
    asked = {"renderers": ["identity"], "datasets": ["motorcycle", "folder"], "metrics": [], "device": "cpu"}
    rows = run_benchmark(RunRequest(**asked, output=tmp_path))
    assert [row["dataset"] for row in rows] == ["motorcycle"]
    assert "folder: holds no scene" in caplog.text


def test_whatever_a_data_set_raises_about_its_contents_refuses_the_command(monkeypatch, tmp_path, make_scene):
    monkeypatch.setattr(session, "load_dataset", lambda name, root: One(make_scene))
    monkeypatch.setattr(One, "contents", Mock(side_effect=ValueError("torn")))
    asked = {"renderers": ["identity"], "datasets": ["motorcycle"], "metrics": [], "output": tmp_path, "device": "cpu"}
    with pytest.raises(DamagedDataError, match=r"^motorcycle: its contents cannot be had: ValueError: torn"):
        run_benchmark(RunRequest(**asked))


def test_whatever_fetching_raises_is_the_cases_failure(run):
    def fail():
        raise OSError("the line is dead")

    row, rendered = run(fail)
    assert row["status"] == "failed"
    assert "the line is dead" in row["reason"]
    assert rendered == []


def test_a_checkpoint_that_is_not_there_refuses_the_command(tmp_path):
    request = RunRequest(renderers=[f"bokehdiff@{tmp_path / 'typo'}"], datasets=["motorcycle"], output=tmp_path / "out")
    with pytest.raises(InvalidOptionError, match="typo: no such folder"):
        run_benchmark(request)
    assert not (tmp_path / "out" / "results").exists(), "nothing is left of a run that never was"


@pytest.mark.parametrize("device", ["toaster", "mps", "cuda:", "cpu:0"])
def test_unknown_devices_are_refused(tmp_path, device):
    with pytest.raises(InvalidOptionError, match="expected cpu, cuda or cuda:N"):
        run_benchmark(RunRequest(output=tmp_path, device=device))


def test_a_renderer_of_weights_that_do_not_ship_is_described(tmp_path):
    """``--list`` does not know its name, a run does."""
    name = f"bokehdiff-t249@{tmp_path}"
    assert _describe_renderer(name, load_renderer(name))["summary"] == "BokehDiff at timestep 249"
