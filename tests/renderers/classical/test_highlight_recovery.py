"""Two curves that undo each other, leave dark and mid tones alone and keep hues."""

import pytest
import torch

from bokehbench.renderers.classical.highlight_recovery import KNEE, compress_highlights, recover_highlights


def test_one_undoes_the_other_and_white_becomes_as_bright_as_it_was():
    linear = torch.rand(3, 16, 20, generator=torch.Generator().manual_seed(1))
    linear[:, 0, 0] = 1.0
    light = recover_highlights(linear, 12.0)
    assert float(light[0, 0, 0]) == pytest.approx(12.0)
    torch.testing.assert_close(compress_highlights(light, 12.0), linear, rtol=0, atol=1e-6)


def test_tones_below_the_knee_stay_and_hues_are_kept():
    dark = KNEE * torch.rand(3, 8, 8)
    assert torch.equal(recover_highlights(dark, 30.0), dark)
    lamp = torch.tensor([1.0, 0.8, 0.3])[:, None, None]
    torch.testing.assert_close(recover_highlights(lamp, 8.0), 8.0 * lamp)


def test_the_curve_leaves_the_knee_smoothly_and_rises():
    ramp = torch.linspace(KNEE - 0.001, 1.0, 5001).expand(3, 1, 5001)
    steps = recover_highlights(ramp, 10.0)[0, 0].double().diff() / ramp[0, 0].double().diff()
    assert bool((steps > 0.9).all())
    assert bool((steps[:20] < 1.1).all())


def test_a_white_of_one_changes_nothing():
    linear = torch.rand(3, 4, 4)
    torch.testing.assert_close(recover_highlights(linear, 1.0), linear)
