"""Sizes of the levels, the mask of what is near focus, highlights, and what a level may change."""

import math

import pytest
import torch

from bokehbench.renderers.bokehme.refinement import Level, first_level, later_levels, lift_highlights, refine, soften


def test_levels_double_from_ten_px_of_blur_to_the_full_size():
    assert first_level(300, 401, largest=0.4) == Level((300, 401), 1.0)
    assert later_levels(300, 401, largest=0.4) == [Level((300, 401), 1.0)]
    assert first_level(300, 401, largest=5.0) == Level((60, 80), 0.2)
    assert later_levels(300, 401, largest=5.0) == [
        Level((120, 160), 0.4),
        Level((240, 320), 0.8),
        Level((300, 401), 1.0),
    ]


def test_a_side_keeps_a_pixel():
    assert first_level(3, 40, largest=8.0).size == (1, 5)
    assert all(min(level.size) >= 1 for level in later_levels(1, 1, largest=1000.0))


def test_a_mask_is_softened_over_some_px():
    mask = torch.zeros(1, 1, 200, 220, dtype=torch.bool)
    mask[..., 110:] = True
    soft = soften(mask)[0, 0]
    torch.testing.assert_close(soft[:, :107], torch.zeros(200, 107))
    torch.testing.assert_close(soft[:, 113:], torch.ones(200, 107))
    assert bool((soft[100].diff()[107:111] > 0.0).all())
    assert torch.equal(soften(mask[..., :20, 100:120]), mask[..., :20, 100:120].float())  # too small for any


def test_only_bright_colours_out_of_focus_are_raised():
    image = torch.tensor([0.2, 0.8, 1.0]).view(1, 3, 1, 1).expand(1, 3, 1, 2)
    lifted = lift_highlights(image, torch.tensor([0.0, 0.9]).view(1, 1, 1, 2))
    assert torch.equal(lifted[..., 0], image[..., 0])
    assert lifted[0, :, 0, 1].tolist() == pytest.approx([0.2, 0.8, 1.0 + 0.4 * math.tanh(350 / 255)])


def test_what_lies_behind_a_large_blur_is_left_to_the_small_picture(networks):
    """IUNet may change only what nothing blurred by 10 px or more reaches."""
    arnet, iunet = networks
    image, defocus = torch.rand(1, 3, 24, 32), torch.full((1, 1, 24, 32), 1.6)
    with torch.no_grad():
        blurred = refine(arnet, iunet, image, defocus, dilated=defocus, gamma=2.2).pictures
        ramp = torch.linspace(0.0, 1.6, 32).expand(1, 1, 24, 32)
        mixed = refine(arnet, iunet, image, ramp, dilated=ramp, gamma=2.2).pictures
    enlarged = [
        torch.nn.functional.interpolate(pictures[0], (24, 32), mode="bilinear", align_corners=True)
        for pictures in (blurred, mixed)
    ]
    assert torch.equal(blurred[-1], enlarged[0])
    same = (mixed[-1] == enlarged[1]).all(dim=1)[0, 12]
    assert not same[:20].any()
    assert same[20:].all()
