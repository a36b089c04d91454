"""Scenes are generated, and kernels compiled, before the first render."""

from collections import Counter

import pytest

from bokehbench.benchmarks.run import ready
from bokehbench.benchmarks.run.cases import PlannedDataset, PlannedRenderer, expand_cases
from bokehbench.benchmarks.run.ready import make_ready
from bokehbench.benchmarks.run.runner import Runner

from .stand_ins import SCENES, Counting, Scenes


class Generated(Scenes):
    """Scenes that have to be generated; notes which were loaded."""

    def __init__(self, make_scene):
        super().__init__(make_scene)
        self.loaded = []

    def to_generate(self, scene_names):
        return [name for name in scene_names if name not in self.loaded]

    def load(self, scene_name):
        self.loaded.append(scene_name)
        return super().load(scene_name)


class Compiling(Counting):
    def compile_kernels(self):
        raise AssertionError("another process does so")


@pytest.fixture
def cases():
    return expand_cases(
        [PlannedRenderer(name="stand-in")], [PlannedDataset(name="scenes", scenes=dict.fromkeys(SCENES, ""))]
    )


def test_all_scenes_are_there_before_the_first_render(tmp_path, make_scene, cases):
    dataset = Generated(make_scene)
    before = []
    renderer = Counting("stand-in", Counter(), lambda scene: before.append(set(dataset.loaded)))
    Runner(tmp_path, {"scenes": dataset}, (), lambda name: renderer, "here").run(cases)
    assert before[0] == set(SCENES)


def test_a_scene_that_cannot_be_generated_is_one_failed_case(tmp_path, make_scene, cases):
    dataset = Generated(make_scene)
    dataset.damaged = SCENES[1]
    rows = Runner(tmp_path, {"scenes": dataset}, (), lambda name: Counting(name, Counter()), "here").run(cases)
    assert [row["status"] for row in rows] == ["ok", "failed", "ok"]


def test_a_plugin_that_fails_when_asked_for_kernels_is_passed_over(make_scene, cases, monkeypatch):
    monkeypatch.setattr(ready, "needs_compiling", lambda renderer: 1 / 0)
    dataset = Generated(make_scene)
    make_ready(cases, {"scenes": dataset}, lambda name: Compiling(name, Counter()))
    assert sorted(dataset.loaded) == sorted(SCENES)


@pytest.mark.parametrize("missing", [True, False])
def test_kernels_are_compiled_beside_the_generation_alone(make_scene, cases, monkeypatch, missing):
    """Without scenes to generate the renderer itself compiles as fast."""
    started = []

    class Compilers:
        def __init__(self, names):
            started.append(names)

        def __enter__(self):
            return iter(())

        def __exit__(self, *exception):
            started.append("ended")

    monkeypatch.setattr(ready, "compiling", Compilers)
    monkeypatch.setattr(ready, "needs_compiling", lambda renderer: isinstance(renderer, Compiling))
    dataset = Generated(make_scene)
    dataset.loaded = [] if missing else list(SCENES)
    make_ready(cases, {"scenes": dataset}, lambda name: Compiling(name, Counter()))
    assert started == ([["stand-in"], "ended"] if missing else [])
