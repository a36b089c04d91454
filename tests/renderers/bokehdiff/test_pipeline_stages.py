"""A pass through BokehDiff says where its time goes."""

import torch

from bokehbench.core.timing import StageClock


def test_pass_names_its_stages(compact):
    disparity = torch.linspace(0.0, 1.0, 32).expand(1, 1, 32, 32)
    with StageClock(torch.device("cpu")) as clock:
        compact(torch.rand(1, 3, 32, 32), disparity, 0.5, 10.0)
    seconds = clock.seconds()
    assert list(seconds) == ["encode", "plan", "U-Net", "attention", "decode"]
    assert min(seconds.values()) > 0
