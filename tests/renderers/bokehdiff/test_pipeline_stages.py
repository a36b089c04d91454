"""A pass through BokehDiff says where its time goes."""

import time

import torch

from bokehbench.core.timing import StageClock


def test_pass_names_its_stages(compact):
    disparity = torch.linspace(0.0, 1.0, 32).expand(1, 1, 32, 32)
    started = time.perf_counter()
    with StageClock(torch.device("cpu")) as clock:
        compact(torch.rand(1, 3, 32, 32), disparity, 0.5, 10.0)
    whole = time.perf_counter() - started
    seconds = clock.seconds()
    assert list(seconds) == ["encode", "plan", "U-Net", "attention", "decode"]
    assert 0.5 * whole < sum(seconds.values()) < whole, "stages overlap, or leave most of the pass out"
