"""The layers: the published table, what a mask shows, radii to defocus and back."""

import numpy as np
import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.defocus_to_focus.layering import RADII_PX, Layering, disc


def test_fifteen_layers_have_the_published_discs():
    layering = Layering()
    assert layering.radii == (0.0, *map(float, RADII_PX))
    assert [len(layering.kernel_of(i)) for i in range(1, 15)] == [3, 5, 7, 11, 15, 19, 23, 27, 33, 39, 45, 53, 61, 69]
    x, y = np.mgrid[-5:6, -5:6]
    weights = 0.5 + 0.5 * np.tanh(0.25 * (25 - x**2 - y**2) + 0.5)
    np.testing.assert_allclose(layering.kernel_of(4), weights / weights.sum(), rtol=1e-6)


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_a_disc_has_the_energy_of_its_radius(kind):
    steps = np.arange(-34, 35)
    squared = steps[:, None] ** 2 + steps**2
    second_moment = float((disc(34.0, 1.0, kind) * squared).sum())
    assert second_moment == pytest.approx((34.0**2 + 2.0) / 2.0, rel=0.02)  # of a disc: r^2 / 2


def test_the_sharper_of_two_layers_is_seen():
    """Between i s and (i + 1) s masks of both are open, and layer i is painted last."""
    layering, defocus = Layering(), torch.linspace(0.01, 0.99, 99)
    masks = {layer.index: layering.mask(layer, defocus) for layer in layering.layers}
    assert [layer.index for layer in layering.layers] == list(range(14, -1, -1))
    for place, amount in enumerate(defocus.tolist()):
        if abs(14 * amount - round(14 * amount)) > 0.1:
            open_at = [index for index, mask in masks.items() if mask[place] > 0.5]
            assert min(open_at) == int(14 * amount)
            assert len(open_at) == 2


def test_signed_layers_share_no_defocus():
    layering, defocus = Layering(order="signed"), torch.linspace(-1.0, 1.0, 201)
    total = torch.stack([layering.mask(layer, defocus) for layer in layering.layers]).sum(dim=0)
    torch.testing.assert_close(total, torch.ones_like(total), atol=0.05, rtol=0.0)


@pytest.mark.parametrize("layering", [Layering(), Layering(count=8), Layering(scale=0.4, order="signed")])
def test_radii_become_the_defocus_of_the_nearest_layer(layering):
    radii = torch.tensor(layering.blur_px)
    defocus = layering.defocus_of(radii)
    assert float(defocus[0]) == 0.0
    assert float(defocus[-1]) == pytest.approx(layering.most)
    torch.testing.assert_close(layering.radius_of(defocus), radii)
    torch.testing.assert_close(layering.defocus_of(-radii), -defocus)
    assert float(layering.defocus_of(2.0 * radii[-1:])) == float(defocus[-1])


def test_a_scale_keeps_what_defocus_means():
    layering = Layering().scaled_to(10.0)
    assert layering.blur_px[-1] == pytest.approx(10.0)
    assert float(layering.defocus_of(torch.tensor(10.0))) == pytest.approx(layering.most)


@pytest.mark.parametrize("wrong", [{"count": 2}, {"scale": 0.0}, {"kernel": "square"}, {"order": "depth"}])
def test_impossible_layers_are_one_line(wrong):
    with pytest.raises(InvalidOptionError, match=next(iter(wrong))):
        Layering(**wrong)
