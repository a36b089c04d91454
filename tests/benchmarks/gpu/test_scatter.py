"""The scatters' checks see what is wrong, and their timings run."""

import pytest
import torch

from bokehbench.benchmarks.gpu import scatter
from bokehbench.benchmarks.latency.repeats import RepeatRule
from bokehbench.renderers.classical.device.offsets import scatter_on_device

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", scatter.CASES)
def test_offsets_agree_with_the_definition(name):
    assert scatter.error_of("offsets", scatter.CASES[name], CPU) < 1e-5


def test_an_error_is_seen(monkeypatch):
    wrong = {"offsets": lambda linear, radius_px: scatter_on_device(linear, radius_px + 0.01)}
    monkeypatch.setattr(scatter, "kernels", lambda: wrong)
    assert scatter.error_of("offsets", scatter.ramp, CPU) > 1e-3


def test_times_on_both_scenes(monkeypatch):
    monkeypatch.setattr(scatter, "kernels", lambda: {"offsets": scatter_on_device, "twice": scatter_on_device})
    for kind in ("planes", "ramp"):
        found = scatter.time_scatters(kind, 3.0, CPU, side=16, rule=RepeatRule(least=2, most=2))
        assert (found["kind"], found["side"], found["radius_px"]) == (kind, 16, 3.0)
        assert all(one["spread"]["median"] > 0 for one in found["calls"].values())


def test_planes_are_two():
    radii = scatter.planes(8, 5.0)[1]
    assert radii[:, :4].max() == 0
    assert radii[:, 4:].min() == 5
