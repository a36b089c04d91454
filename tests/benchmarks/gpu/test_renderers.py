"""Whole renderers: errors between devices, and measurements in a process that others share."""

import torch

from bokehbench.benchmarks.gpu import renderers
from bokehbench.benchmarks.latency.repeats import RepeatRule

CPU = torch.device("cpu")


def test_a_renderer_agrees_with_itself():
    assert renderers.error_of("classical", CPU, side=32) == 0.0


def test_time_of_a_renderer():
    found = renderers.time_renderer("classical", 32, 3.0, CPU, RepeatRule(least=2, most=2))
    assert (found["renderer"], found["width"], found["radius_px"]) == ("classical", 32, 3.0)
    assert found["spread"]["median"] > 0
    assert "scatter" in found["stages"]
    assert renderers.prepared("classical", CPU) is renderers.prepared("classical", CPU)


def test_large_pictures_are_thought_to_take_longer():
    assert min(one.seconds for one in renderers.LARGE_TIMINGS) > min(one.seconds for one in renderers.TIMINGS)
