"""Every kernel, the reference first, against a literal float64 loop, and against physics."""

import functools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bokehbench.benchmarks.kernels.direct_scatter import scatter_direct, scatter_tabulated
from bokehbench.renderers.classical.cpu.spans import scatter_spans
from bokehbench.renderers.classical.device.offsets import scatter_on_device
from bokehbench.renderers.classical.reference import scatter_reference

from .scenes import SCENES, noise, scatter_naive

KERNELS = [scatter_reference, scatter_spans, scatter_direct, scatter_tabulated, scatter_on_device]
TOLERANCE = {scatter_spans: 1e-4, scatter_tabulated: 2e-5, scatter_direct: 1e-7}
FLOAT32_SUMS = 1e-5


@functools.cache
def definition_of(name):
    """Return a scene's picture by the literal loop, which takes up to a second."""
    return scatter_naive(*SCENES[name])


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", SCENES)
def test_agrees_with_the_definition(kernel, name):
    rendered, tolerance = kernel(*SCENES[name]).double(), TOLERANCE.get(kernel, FLOAT32_SUMS)
    torch.testing.assert_close(rendered, definition_of(name), rtol=0, atol=tolerance)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 9, width=32), st.integers(0, 999))
def test_agrees_on_random_scenes_of_mixed_radii(height, width, largest_px, seed):
    linear = noise(height, width, seed)
    radius = largest_px * noise(height, width, seed + 1)[0]
    expected = scatter_naive(linear, radius)
    for kernel in KERNELS:
        torch.testing.assert_close(kernel(linear, radius).double(), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kernel", KERNELS)
def test_highlights_keep_the_tolerance(kernel):
    linear = 0.1 * noise(24, 24)
    linear[:, 12, 11] = 1000.0
    radius = 5.0 + 2.0 * noise(24, 24, 1)[0]
    expected = scatter_reference(linear.double(), radius.double())
    torch.testing.assert_close(kernel(linear, radius).double(), expected, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("radius_px", [4.0, 7.5])
def test_a_point_becomes_a_disc_of_its_radius_and_energy(kernel, radius_px):
    """Everything equally blurred: the weights are the same everywhere, so light is spread but not lost."""
    linear = torch.zeros(3, 41, 41)
    linear[:, 20, 20] = 1.0
    disc = kernel(linear, torch.full((41, 41), radius_px))[0]
    y, x = torch.meshgrid(torch.arange(41) - 20, torch.arange(41) - 20, indexing="ij")
    distance = torch.hypot(x.float(), y.float())
    assert float(disc.sum()) == pytest.approx(1.0, abs=1e-3)
    flat = 1.0 / (math.pi * radius_px**2)
    torch.testing.assert_close(
        disc[distance < radius_px - 0.7], torch.full_like(disc[distance < radius_px - 0.7], flat), rtol=0.03, atol=0
    )
    assert float(disc[distance > radius_px + 1].max()) < 1e-3 * flat
    half_energy_radius_px = math.sqrt(float((disc * distance**2).sum() / disc.sum()) * 2)  # of a flat disc: its radius
    assert half_energy_radius_px == pytest.approx(radius_px, rel=0.03)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_constant_stays_constant(kernel):
    linear = torch.tensor([0.2, 0.5, 0.9])[:, None, None].expand(3, 20, 26).contiguous()
    torch.testing.assert_close(kernel(linear, 8 * noise(20, 26)[0]), linear, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("axis", [-1, -2])
def test_mirrored_input_gives_mirrored_output(kernel, axis):
    linear, radius = noise(19, 22), 6 * noise(19, 22, 1)[0]
    mirrored = kernel(linear.flip(axis), radius.flip(axis)).flip(axis)
    torch.testing.assert_close(mirrored, kernel(linear, radius), rtol=0, atol=1e-6)


def test_the_reference_has_the_right_gradients():
    linear = noise(4, 5).double().requires_grad_()
    radius = (0.2 + 1.6 * noise(4, 5, 1)[0].double()).requires_grad_()
    near_integer = (radius - radius.round()).abs() < 1e-3  # there the window jumps
    assert not bool(near_integer.any())
    assert torch.autograd.gradcheck(scatter_reference, (linear, radius))
