"""What is kept of the input: exactly what is in focus and out of every defocused foreground's reach."""

import pytest
import torch

from bokehbench.renderers.diffusion.in_focus_blend import RIM_PX, SOFT_PX, blend_in_focus, reached_by_foreground

LIMIT_PX = 0.7


@pytest.fixture
def pictures():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(1, 3, 32, 40, generator=generator), torch.rand(1, 3, 32, 40, generator=generator)


def reached_naive(defocus_px):
    """One disc per px, written out."""
    reached = torch.zeros_like(defocus_px, dtype=torch.bool)
    rows, columns = torch.meshgrid(*(torch.arange(n) for n in defocus_px.shape[-2:]), indexing="ij")
    for b, y, x in torch.nonzero(defocus_px[:, 0] >= LIMIT_PX).tolist():
        radius = defocus_px[b, 0, y, x] + RIM_PX
        reached[b, 0] |= (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    return reached


@pytest.mark.parametrize("share", [0.01, 0.2, 1.0])
def test_reach_is_the_union_of_all_discs(share):
    generator = torch.Generator().manual_seed(1)
    defocus_px = 9.0 * torch.randn(2, 1, 20, 31, generator=generator)
    defocus_px[torch.rand(defocus_px.shape, generator=generator) > share] = -20.0
    assert torch.equal(reached_by_foreground(defocus_px, LIMIT_PX), reached_naive(defocus_px))


def test_discs_larger_than_the_picture_reach_everything():
    defocus_px = torch.full((1, 1, 5, 7), -3.0)
    defocus_px[0, 0, 0, 0] = 1000.0
    assert bool(reached_by_foreground(defocus_px, LIMIT_PX).all())


def test_a_picture_in_focus_comes_back_bit_by_bit(pictures):
    rendered, image = pictures
    assert torch.equal(blend_in_focus(rendered, image, torch.full((1, 1, 32, 40), -0.69), LIMIT_PX), image)


@pytest.mark.parametrize("defocus_px", [0.7, -0.7, 30.0, -30.0])
def test_a_blurred_picture_is_left_alone(pictures, defocus_px):
    rendered, image = pictures
    assert torch.equal(blend_in_focus(rendered, image, torch.full((1, 1, 32, 40), defocus_px), LIMIT_PX), rendered)


def test_sharp_foreground_over_blurred_background_is_kept_up_to_a_soft_rim(pictures):
    rendered, image = pictures
    defocus_px = torch.full((1, 1, 32, 40), -8.0)
    defocus_px[..., 20:] = 0.0
    output = blend_in_focus(rendered, image, defocus_px, LIMIT_PX)
    assert torch.equal(output[..., 20 + SOFT_PX - 1 :], image[..., 20 + SOFT_PX - 1 :])
    assert torch.equal(output[..., :20], rendered[..., :20])
    for i, weight in enumerate((1 / 3, 2 / 3)):
        expected = torch.lerp(rendered[..., 20 + i], image[..., 20 + i], weight)
        assert torch.allclose(output[..., 20 + i], expected, atol=1e-6)


def test_in_focus_background_that_a_blurred_foreground_reaches_is_not_kept(pictures):
    rendered, image = pictures
    defocus_px = torch.zeros(1, 1, 32, 40)
    defocus_px[..., :10] = 8.0  # its discs end at column 9 + 8 + RIM_PX
    output = blend_in_focus(rendered, image, defocus_px, LIMIT_PX)
    assert torch.equal(output[..., :19], rendered[..., :19])
    assert torch.equal(output[..., 22:], image[..., 22:])


def test_a_batch_is_blended_picture_by_picture():
    generator = torch.Generator().manual_seed(2)
    rendered, image = (torch.rand(2, 3, 24, 24, generator=generator) for _ in range(2))
    defocus_px = torch.zeros(2, 1, 24, 24)
    defocus_px[0, 0, :6] = 9.0
    both = blend_in_focus(rendered, image, defocus_px, LIMIT_PX)
    for i in range(2):
        one = blend_in_focus(rendered[i : i + 1], image[i : i + 1], defocus_px[i : i + 1], LIMIT_PX)
        assert torch.equal(both[i : i + 1], one)
