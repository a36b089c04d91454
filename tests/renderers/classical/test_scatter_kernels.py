"""Every kernel of the classical renderer against a literal float64 loop, and against physics."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bokehbench.benchmarks.kernels.direct_scatter import scatter_direct, scatter_tabulated
from bokehbench.renderers.classical.cpu.spans import scatter_spans
from bokehbench.renderers.classical.device.offsets import scatter_on_device
from bokehbench.renderers.classical.reference import scatter_reference

KERNELS = [scatter_reference, scatter_spans, scatter_direct, scatter_tabulated, scatter_on_device]
TOLERANCE = {scatter_spans: 1e-4, scatter_tabulated: 2e-5, scatter_direct: 1e-7}
FLOAT32_SUMS = 1e-5


def scatter_naive(linear, radius_px):
    """The definition as a loop in float64."""
    height, width = radius_px.shape
    sums = np.zeros((4, height, width))
    for y in range(height):
        for x in range(width):
            r = float(radius_px[y, x])
            window = math.floor(r) + 1
            source = np.append(linear[:, y, x].double().numpy(), 1.0)
            for v in range(max(0, y - window), min(height, y + window + 1)):
                for u in range(max(0, x - window), min(width, x + window + 1)):
                    weight = (0.5 + 0.5 * math.tanh(4 * (r - math.hypot(u - x, v - y)))) / (r * r + 0.2)
                    sums[:, v, u] += weight * source
    return torch.from_numpy(sums[:3] / sums[3])


def noise(height, width, seed=0):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def two_planes(height, width, left_px, right_px):
    radius = torch.full((height, width), float(left_px))
    radius[:, width // 2 :] = right_px
    return radius


def black_and_white(height, width):
    linear = torch.zeros(3, height, width)
    linear[:, :, : width // 2] = 1.0
    return linear


SCENES = {
    "ramp": (noise(24, 28), torch.linspace(0, 9, 28).expand(24, 28).contiguous()),
    "planes": (noise(24, 28), two_planes(24, 28, 1.3, 7.8)),
    "planes, black and white": (black_and_white(24, 40), two_planes(24, 40, 3.0, 12.2)),
    "white, black": (1 - black_and_white(24, 40), two_planes(24, 40, 3.0, 12.2)),
    "sharp": (noise(12, 16), torch.zeros(12, 16)),
    "just below one": (noise(12, 16), torch.full((12, 16), 0.9)),
    "around integers": (noise(16, 21), 2.0 + (torch.arange(21) % 3 - 1).expand(16, 21) * 1e-4),
    "larger than the image": (noise(10, 14), torch.full((10, 14), 5000.0)),
    "large beside small": (black_and_white(10, 20), two_planes(10, 20, 3.0, 5000.0)),
    "one row": (noise(1, 30), torch.linspace(0, 6, 30)[None]),
    "one column": (noise(30, 1), torch.linspace(0, 6, 30)[:, None].contiguous()),
    "one pixel": (noise(1, 1), torch.full((1, 1), 3.0)),
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", SCENES)
def test_agrees_with_the_definition(kernel, name):
    linear, radius = SCENES[name]
    torch.testing.assert_close(
        kernel(linear, radius).double(), scatter_naive(linear, radius), rtol=0, atol=TOLERANCE.get(kernel, FLOAT32_SUMS)
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 9, width=32), st.integers(0, 999))
def test_agrees_on_random_scenes_of_mixed_radii(height, width, largest_px, seed):
    linear = noise(height, width, seed)
    radius = largest_px * noise(height, width, seed + 1)[0]
    expected = scatter_naive(linear, radius)
    for kernel in KERNELS:
        torch.testing.assert_close(kernel(linear, radius).double(), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("small_px", [3.0, 5.0])
@pytest.mark.parametrize("size", [10, 16, 30])
def test_spans_hold_where_little_light_arrives(small_px, size):
    """A dark blob with large discs keeps little weight of its own: the tails of its neighbours decide."""
    radius, linear = torch.full((48, 52), small_px), torch.ones(3, 48, 52)
    radius[9 : 9 + size, 11 : 11 + size], linear[:, 9 : 9 + size, 11 : 11 + size] = 64.0, 0.0
    torch.testing.assert_close(scatter_spans(linear, radius), scatter_direct(linear, radius), rtol=0, atol=1e-4)


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


def test_spans_give_the_same_bits_for_any_number_of_threads():
    linear, radius = noise(70, 60), 20 * noise(70, 60, 1)[0]
    radius[20:40, 20:40] = 300.0  # little weight: these rows are rendered twice
    linear[:, 10, 10] = 50.0
    one = scatter_spans(linear, radius, threads=1)
    for threads in (2, 3, 8, 100):
        assert torch.equal(one, scatter_spans(linear, radius, threads=threads))


def test_spans_read_tensors_that_are_not_contiguous():
    linear, radius = noise(12, 15), 4 * noise(12, 15, 1)[0]
    strided = linear.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    assert torch.equal(scatter_spans(strided, radius.T.contiguous().T), scatter_spans(linear, radius))


def test_the_reference_has_the_right_gradients():
    linear = noise(4, 5).double().requires_grad_()
    radius = (0.2 + 1.6 * noise(4, 5, 1)[0].double()).requires_grad_()
    near_integer = (radius - radius.round()).abs() < 1e-3  # there the window jumps
    assert not bool(near_integer.any())
    assert torch.autograd.gradcheck(scatter_reference, (linear, radius))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", SCENES)
def test_the_device_path_agrees_on_a_gpu(name):
    linear, radius = SCENES[name]
    on_gpu = scatter_on_device(linear.cuda(), radius.cuda())
    torch.testing.assert_close(on_gpu.cpu().double(), scatter_naive(linear, radius), rtol=0, atol=1e-5)
