"""Triton's scatters against the definition: on a GPU, or on the CPU through Triton's interpreter."""

import importlib.util

import pytest
import torch

if importlib.util.find_spec("triton") is None:
    pytest.skip("needs Triton, which comes with PyTorch's CUDA builds", allow_module_level=True)

from bokehbench.benchmarks.gpu.literal_scatter import scatter_literal
from bokehbench.renderers.classical.device.triton_spans import fixed_point_scale, scatter_triton
from bokehbench.renderers.classical.reference import scatter_reference

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def maps(height, width, largest_px, brightest=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    linear = brightest * torch.rand(3, height, width, generator=generator) ** 4
    radius_px = largest_px * torch.rand(height, width, generator=generator)
    return linear.to(DEVICE), radius_px.to(DEVICE)


def error(scatter, linear, radius_px):
    truth = scatter_reference(linear.double(), radius_px.double())
    return float((scatter(linear, radius_px) - truth).abs().max())


@pytest.mark.parametrize(
    ("height", "width", "largest_px", "brightest"),
    [
        (9, 14, 3.0, 1.0),
        (16, 11, 8.0, 1.0),
        (8, 9, 40.0, 1.0),
        (10, 10, 6.0, 200.0),
        (1, 1, 0.0, 1.0),
        (5, 6, 0.0, 1.0),
    ],
)
def test_spans_agree_with_the_definition(height, width, largest_px, brightest):
    assert error(scatter_triton, *maps(height, width, largest_px, brightest)) < 1e-4


def test_bright_point_cancels_below_a_faint_disc():
    linear, radius_px = torch.zeros(3, 12, 12, device=DEVICE), torch.full((12, 12), 4.0, device=DEVICE)
    linear[:, 6, 6], radius_px[6, 6] = 1e4, 0.0
    truth = scatter_reference(linear.double(), radius_px.double())
    found = scatter_triton(linear, radius_px).double()
    torch.testing.assert_close(found, truth, atol=1e-4, rtol=1e-7)  # float32 cannot say more of the point itself
    assert float(truth.max()) > 1e3


def test_rows_that_few_discs_reach_keep_their_accuracy():
    linear, radius_px = maps(10, 12, 0.0)
    radius_px[:] = 6.0
    radius_px[5] = 0.4
    assert error(scatter_triton, linear, radius_px) < 1e-4


def test_same_bits_each_time():
    linear, radius_px = maps(12, 15, 6.0)
    assert torch.equal(scatter_triton(linear, radius_px), scatter_triton(linear, radius_px))


def test_literal_kernel_agrees_too():
    assert error(scatter_literal, *maps(9, 14, 4.0)) < 1e-4


@pytest.mark.parametrize(("width", "reach", "brightest"), [(1, 1, 1.0), (2048, 65, 1.0), (8192, 1025, 1e4)])
def test_fixed_point_cannot_overflow(width, reach, brightest):
    scale = fixed_point_scale(width, reach, brightest)
    largest_sum = 5.0 * brightest * width * (2 * reach + 1)
    assert largest_sum * scale < 2**63
    assert scale >= 2**20, "a millionth still differs from zero"
