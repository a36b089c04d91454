"""The compiled gather and PyTorch's, held against the definition in float64."""

import pytest
import torch

from bokehbench.renderers.dr_bokeh import device
from bokehbench.renderers.dr_bokeh.device import gather_on_device
from bokehbench.renderers.dr_bokeh.gather import gather_on_cpu
from bokehbench.renderers.dr_bokeh.layers import LensLayer
from bokehbench.renderers.dr_bokeh.reference import render_reference

TOLERANCE = 1e-5
"""In linear light: 2.5e-6 was measured."""


def noise(height, width, largest_px, seed, *, opaque):
    """A layer of random colours and depths, in focus at 0.4; without ``opaque`` a third of it is empty."""
    generator = torch.Generator().manual_seed(seed)
    colour, depth = torch.rand(3, height, width, generator=generator), torch.rand(height, width, generator=generator)
    alpha = (torch.rand(height, width, generator=generator) * 1.5 - 0.5).clamp(min=0) + float(opaque)
    return LensLayer(colour, alpha.clamp(max=1), depth, (depth - 0.4).abs() * largest_px / 0.6)


SCENES = {
    "two layers": [noise(18, 37, 7.0, 0, opaque=False), noise(18, 37, 7.0, 1, opaque=True)],
    "in focus": [noise(12, 16, 0.0, 2, opaque=True)],
    "discs larger than the picture, in several bands": [noise(1, 17, 29.0, 3, opaque=True)],
}


@pytest.fixture(scope="module", params=SCENES)
def scene(request):
    layers = SCENES[request.param]
    return layers, render_reference([layer.to(torch.float64) for layer in layers])


@pytest.mark.parametrize("gather", [gather_on_cpu, gather_on_device])
def test_gathers_agree_with_the_definition(scene, gather):
    layers, truth = scene
    torch.testing.assert_close(gather(layers).double(), truth, rtol=0, atol=TOLERANCE)


def test_strips_make_no_difference_that_is_seen(monkeypatch):
    layers = SCENES["two layers"]
    whole = gather_on_device(layers)
    monkeypatch.setattr(device, "PIXELS_AT_ONCE", 2200)
    torch.testing.assert_close(gather_on_device(layers), whole, rtol=0, atol=1e-6)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_device_path_agrees_on_a_gpu(scene):
    layers, truth = scene
    on_gpu = gather_on_device([layer.to(torch.device("cuda")) for layer in layers])
    torch.testing.assert_close(on_gpu.cpu().double(), truth, rtol=0, atol=TOLERANCE)


def test_a_point_keeps_its_light_and_becomes_a_disc():
    """On black, of the same defocus everywhere: the rim is half as bright as the middle 0.77 px inside the radius."""
    colour, radius_px = torch.zeros(3, 41, 41), 9.0
    colour[:, 20, 20] = 1.0
    flat = torch.ones(41, 41)
    picture = gather_on_cpu([LensLayer(colour, flat, flat, flat * (radius_px - 1))])[0]
    assert float(picture.sum()) == pytest.approx(1.0, abs=1e-4)
    assert float((picture > picture[20, 20] / 2).sum()) == pytest.approx(torch.pi * (radius_px - 0.7675) ** 2, rel=0.03)
