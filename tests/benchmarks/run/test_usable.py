"""What is wrong with one renderer or metric is said, and costs the others nothing."""

import pytest
import torch

from bokehbench.benchmarks.metrics import registry as metric_registry
from bokehbench.benchmarks.metrics.interface import Metric
from bokehbench.benchmarks.metrics.pixelwise import Psnr
from bokehbench.benchmarks.request import RunRequest
from bokehbench.benchmarks.run import session
from bokehbench.benchmarks.run.session import run_benchmark
from bokehbench.benchmarks.run.store import StoredRun
from bokehbench.benchmarks.run.usable import UnusableRenderer, complete, load_metric, load_renderer
from bokehbench.core.errors import DamagedDataError, InvalidOptionError, MissingWeightsError, UnknownNameError
from bokehbench.core.registry import Entry
from bokehbench.renderers import registry
from bokehbench.renderers.identity import IdentityRenderer
from bokehbench.renderers.interface import Renderer

from .test_session import One


class Unlabelled(IdentityRenderer):
    @property
    def weights(self):
        raise KeyError("weights.json")


class MislabelledTraining(IdentityRenderer):
    training = 3


class MislabelledCode(IdentityRenderer):
    def foreign_code(self):
        return {"program": 2}


class WithoutCapabilities(Renderer):
    def _render(self, scene, seed):
        return scene.image


class Untaught(IdentityRenderer):
    def __init__(self, name=None):
        raise RuntimeError("no licence")


def nothing(name=None):
    return None


PLUGINS = {
    "no-module": ("no_module_of_this_name:Renderer", "ModuleNotFoundError: No module named 'no_module_of_this_name'"),
    "no-attribute": (f"{__name__}:Absent", "AttributeError"),
    "unlabelled": (f"{__name__}:Unlabelled", "KeyError: 'weights.json'"),
    "mislabelled": (f"{__name__}:MislabelledTraining", "expected a text or None, got 3"),
    "miscoded": (f"{__name__}:MislabelledCode", "foreign_code: expected texts by name, got {'program': 2}"),
    "no-capabilities": (f"{__name__}:WithoutCapabilities", "expected a Renderer with Capabilities"),
    "untaught": (f"{__name__}:Untaught", "RuntimeError: no licence"),
    "nothing": (f"{__name__}:nothing", "expected a Renderer with Capabilities, got NoneType"),
}


@pytest.fixture
def run(monkeypatch, tmp_path, make_scene):
    def start(renderers, metrics=()):
        monkeypatch.setattr(session, "load_dataset", lambda name, root: One(make_scene))
        asked = {"datasets": ["motorcycle"], "metrics": list(metrics), "output": tmp_path, "device": "cpu"}
        return {row["renderer"]: row for row in run_benchmark(RunRequest(renderers=renderers, **asked))}

    return start


@pytest.fixture
def plugins(monkeypatch):
    entries = {name: Entry(target, "for tests") for name, (target, _) in PLUGINS.items()}
    monkeypatch.setattr(registry.RENDERERS, "_all", {**registry.RENDERERS.entries, **entries})


def test_plugins_that_cannot_be_used_are_their_own_cases_failure(run, plugins):
    rows = run(["identity", *PLUGINS, "classical"])
    assert rows["identity"]["status"] == rows["classical"]["status"] == "ok"
    for name, (_, reason) in PLUGINS.items():
        assert rows[name]["status"] == "failed", name
        assert reason in rows[name]["reason"]


def test_a_label_that_is_none_is_a_reason_too(plugins):
    for name in ("unlabelled", "mislabelled"):
        renderer = complete(name, load_renderer(name))
        assert isinstance(renderer, UnusableRenderer)
        with pytest.raises((KeyError, TypeError)):
            renderer.prepare()


@pytest.mark.parametrize("content", ["nonsense", "{}", '{"_class_name": "BokehDiffPipeline", "settings": {"x": 1}}'])
def test_damaged_weights_are_their_own_cases_failure(run, tmp_path, content):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model_index.json").write_text(content)
    rows = run(["identity", f"bokehdiff@{tmp_path / 'mine'}"])
    assert rows["identity"]["status"] == "ok"
    row = rows[f"bokehdiff@{tmp_path / 'mine'}"]
    assert row["status"] in ("failed", "skipped")
    assert str(tmp_path / "mine") in row["reason"]


def test_mistyped_names_are_refused():
    with pytest.raises(UnknownNameError):
        load_renderer("clasical")
    with pytest.raises(InvalidOptionError, match="identity has no weights to choose"):
        load_renderer("identity@somewhere")


def test_a_metric_that_cannot_be_used_is_unavailable(run, monkeypatch):
    entries = {"broken": Entry("no_module_of_this_name:Metric", "for tests")}
    monkeypatch.setattr(metric_registry.METRICS, "_all", {**metric_registry.METRICS.entries, **entries})
    rows = run(["identity"], ["psnr", "broken"])
    assert list(rows["identity"]["metrics"]) == ["psnr"]


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"unit": None}, "unit: expected str, got None"),
        ({"description": None}, "description: expected str, got None"),
        ({"higher_is_better": "yes"}, "higher_is_better: expected bool, got 'yes'"),
        ({"weights": 7}, "weights: expected a text or None, got 7"),
        ({"score": lambda *_: "12"}, "failed: TypeError"),
    ],
)
def test_a_metric_whose_attributes_or_scores_are_none_costs_no_other_score(
    monkeypatch, run, tmp_path, attributes, said
):
    odd = type("Odd", (Metric,), {"higher_is_better": True, "description": "", "score": lambda *_: 1.0} | attributes)
    monkeypatch.setitem(globals(), "Odd", odd)
    entries = {"odd": Entry(f"{__name__}:Odd", "for tests")}
    monkeypatch.setattr(metric_registry.METRICS, "_all", {**metric_registry.METRICS.entries, **entries})
    row = run(["identity"], ["psnr", "odd"])["identity"]
    assert row["status"] == "ok"
    assert row["metrics"]["psnr"] is not None
    meta = StoredRun.open(tmp_path / "results" / "default").meta
    assert said in (meta["metrics"]["odd"]["reason"] or row["notes"]["odd"])


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"version": 2}, "version: expected str, got 2"),
        ({"protocol": None}, "protocol: expected str, got None"),
        ({"terms": 5}, "terms: expected str, got 5"),
        ({"contents": lambda self, scenes: dict.fromkeys(scenes, "x")}, "expected texts by name, got 'x'"),
    ],
)
def test_a_data_set_whose_attributes_are_none_is_refused_before_anything_is_written(
    monkeypatch, tmp_path, make_scene, attributes, said
):
    odd = type("Odd", (One,), attributes)
    monkeypatch.setattr(session, "load_dataset", lambda name, root: odd(make_scene))
    with pytest.raises(DamagedDataError, match=said):
        run_benchmark(RunRequest(renderers=["identity"], datasets=["motorcycle"], metrics=["psnr"], output=tmp_path))
    assert not list(tmp_path.iterdir())


class Meddling(IdentityRenderer):
    """Computes in float64, on one thread more, and leaves it so."""

    def _render(self, scene, seed):
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(torch.get_num_threads() + 1)
        return scene.image.double()


def test_what_a_plugin_sets_for_itself_does_not_reach_the_next(run, monkeypatch):
    entries = {"meddling": Entry(f"{__name__}:Meddling", "for tests")}
    monkeypatch.setattr(registry.RENDERERS, "_all", {**registry.RENDERERS.entries, **entries})
    before = torch.get_num_threads(), torch.get_default_dtype()
    rows = run(["meddling", "identity"])
    assert [row["status"] for row in rows.values()] == ["ok", "ok"]
    assert (torch.get_num_threads(), torch.get_default_dtype()) == before


def test_a_metric_is_called_what_its_entry_says(monkeypatch):
    entries = {"other-name": Entry("bokehbench.benchmarks.metrics.pixelwise:Psnr", "")}
    monkeypatch.setattr(metric_registry.METRICS, "_all", entries)
    assert load_metric("other-name").name == "other-name"


def test_a_broken_metric_ends_with_code_1(run_bench, tmp_path, monkeypatch):
    """Each time, and in one line: weights that are missing are another matter, which the report keeps."""
    entries = {"broken": Entry("no_module_of_this_name:Metric", "for tests")}
    monkeypatch.setattr(metric_registry.METRICS, "_all", {**metric_registry.METRICS.entries, **entries})
    command = ["--renderers", "identity", "--datasets", "motorcycle", "--metrics", "psnr,broken", "--limit", "1"]
    for _ in range(2):
        done = run_bench(*command, "--output", tmp_path)
        assert done.returncode == 1
        assert "metric broken is left out: " in done.stderr
        assert "no_module_of_this_name" in done.stderr


class WithoutWeights(Psnr):
    def prepare(self, device="cpu", weights=None):
        raise MissingWeightsError("its weights are not here")


def test_a_run_without_the_scores_that_were_asked_for_ends_with_code_1(run_bench, tmp_path, monkeypatch):
    """Scores kept from another command do not count; a data set that is only shown asks for none."""
    entries = {"absent": Entry(f"{__name__}:WithoutWeights", "for tests")}
    monkeypatch.setattr(metric_registry.METRICS, "_all", {**metric_registry.METRICS.entries, **entries})

    def start(datasets, metrics):
        command = ["--renderers", "identity", "--datasets", datasets, "--metrics", metrics, "--limit", "1"]
        return run_bench(*command, "--output", tmp_path)

    assert start("synbokeh-mini", "psnr").returncode == 0
    assert start("synbokeh-mini", "psnr,absent").returncode == 1, "it was asked for by its name"
    done = start("synbokeh-mini", "absent")
    assert done.returncode == 1
    assert "no case was scored: no value from absent" in done.stderr
    assert start("motorcycle", "absent").returncode == 0
