"""What becomes foreground, what background."""

import torch

from bokehbench.renderers.dr_bokeh.layers import LensLayer, split_layers

WHITE, BLACK = 1.0, 0.0


def split(colour, disparity, largest_px=4.0):
    return split_layers(colour.expand(3, *colour.shape), disparity, largest_px)


def test_what_hides_something_is_foreground_and_the_background_goes_on_behind_it():
    disparity = torch.zeros(40, 48)
    disparity[10:30, 12:36] = 1.0
    front, back = split(1.0 - disparity, disparity)
    assert torch.equal(front.alpha, disparity)
    assert torch.equal(front.disparity, torch.ones_like(disparity)), "outside it, too"
    assert torch.equal(front.colour[:, disparity == 1], torch.zeros(3, 480))
    torch.testing.assert_close(back.colour, torch.ones(3, 40, 48))
    assert torch.equal(back.disparity, torch.zeros_like(disparity))
    assert torch.equal(back.alpha, torch.ones_like(disparity))


def test_a_picture_of_one_surface_has_no_foreground():
    slanted = torch.linspace(0, 1, 64).expand(16, 64)
    front, back = split(slanted, slanted)
    assert not front.alpha.any()
    assert torch.equal(back.colour[0], slanted)
    assert torch.equal(back.disparity, slanted)


def test_a_surface_that_ceases_to_hide_something_goes_on_in_both_layers():
    """Down the picture the right half recedes from a step to where the left half is."""
    left = torch.arange(48) < 20
    disparity = torch.where(left, 0.0, torch.linspace(1, -0.2, 120)[:, None])
    front, back = split(torch.where(left, WHITE, BLACK).expand(120, 48), disparity)
    own = back.colour[0, :, 30:] == BLACK
    assert not bool(own[:80].any()), "where it hides the left half"
    both = own & (front.alpha[:, 30:] == 1)
    assert int(both.sum(dim=0).min()) >= 6, "one and a half radii"
    assert bool((front.alpha[110:, 30:] == 0).all())


def test_the_lens_sees_radii_in_px_and_disparity_in_parts_of_the_range():
    flat = torch.full((2, 2), 3.0)
    layer = split(flat, flat)[1]
    seen = LensLayer.focus(layer, (1.0, 5.0), focus_disparity=5.0, blur_strength=2.0)
    assert torch.equal(seen.disparity, torch.full((2, 2), 0.5))
    assert torch.equal(seen.defocus_px, torch.full((2, 2), 4.0))
    assert torch.equal(LensLayer.focus(layer, (3.0, 3.0), 5.0, 2.0).disparity, torch.zeros(2, 2))
