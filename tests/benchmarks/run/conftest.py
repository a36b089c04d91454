"""A runner over the stand-ins."""

import pytest

from bokehbench.benchmarks.run.cases import PlannedDataset, PlannedRenderer, expand_cases
from bokehbench.benchmarks.run.runner import Runner

from .stand_ins import MEAN_DIFFERENCE, SCENES, Scenes


@pytest.fixture
def bench(tmp_path, make_scene):
    """A function that runs the three scenes through counting renderers and returns rows and counts."""

    def run(*renderers, metrics=MEAN_DIFFERENCE, scored=True, damaged="", code="", metric_codes=None):
        dataset = Scenes(make_scene, scored)
        dataset.damaged = damaged
        by_name = {renderer.name: renderer for renderer in renderers}
        cases = expand_cases(
            [PlannedRenderer(name=r.name, weights=r.weights, code=code) for r in renderers],
            [PlannedDataset(name="scenes", scenes=dict.fromkeys(SCENES, ""))],
        )
        return Runner(
            run.folder, {"scenes": dataset}, metrics, by_name.__getitem__, "here", metric_codes=metric_codes or {}
        ).run(cases)

    run.folder = tmp_path
    return run
