"""The layered rendering: what a blur keeps, and gradients."""

import pytest
import torch

from bokehbench.renderers.defocus_to_focus.layered import render_layers, render_weighted
from bokehbench.renderers.defocus_to_focus.layering import Layering


def test_what_is_in_focus_is_kept():
    image = torch.rand(1, 3, 12, 16)
    torch.testing.assert_close(render_layers(image, torch.zeros(1, 1, 12, 16), Layering()), image)


def test_a_plain_picture_stays_plain_whatever_the_weights():
    image, defocus = torch.full((1, 3, 20, 24), 0.3), torch.rand(1, 1, 20, 24)
    weight = 0.1 + torch.rand(1, 3, 20, 24)
    torch.testing.assert_close(render_weighted(image, weight, defocus, Layering()), image)


def test_defocus_beyond_its_range_is_clipped():
    image, defocus = torch.rand(1, 3, 12, 16), torch.full((1, 1, 12, 16), 7.0)
    last = render_layers(image, torch.full_like(defocus, Layering().most), Layering())
    torch.testing.assert_close(render_layers(image, defocus, Layering()), last)


def test_bright_pixels_count_as_much_as_their_weight():
    image = torch.zeros(1, 3, 41, 41)
    image[..., 20, 20] = 1.0
    defocus = torch.full((1, 1, 41, 41), 4.5 / 14.0)
    plain = render_layers(image, defocus, Layering())
    raised = render_weighted(image, torch.where(image[:, :1] > 0.5, 3.0, 1.0), defocus, Layering())
    share = float(plain[0, 0, 20, 20])
    assert float(raised[0, 0, 20, 20]) == pytest.approx(3.0 * share / (1.0 + 2.0 * share), abs=1e-5)


def test_gradients_reach_picture_weight_and_defocus():
    generator = torch.Generator().manual_seed(0)
    image, weight, defocus = (
        torch.rand(1, count, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True) for count in (3, 1, 1)
    )
    layering = Layering(count=4, hardness=8.0, scale=0.1)

    def render(image, weight, defocus):
        return render_weighted(image, weight + 0.5, 0.1 + 0.8 * defocus, layering)

    assert torch.autograd.gradcheck(render, (image, weight, defocus), atol=1e-4, eps=1e-5)
