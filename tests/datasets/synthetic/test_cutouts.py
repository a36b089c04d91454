import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from bokehbench.core.errors import UnknownNameError
from bokehbench.datasets.synthetic.canvas import Canvas, smooth_noise
from bokehbench.datasets.synthetic.cutouts import CUTOUTS, make_cutout

HEIGHT, WIDTH = 150, 140


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@pytest.mark.parametrize("kind", CUTOUTS)
def test_cutouts_are_premultiplied_repeatable_and_hard_at_their_edges(kind: str) -> None:
    rgba = make_cutout(kind, HEIGHT, WIDTH, generator(3))
    assert rgba.shape == (HEIGHT, WIDTH, 4)
    assert rgba.dtype == np.float32
    alpha = rgba[..., 3]
    assert alpha.min() == 0.0
    assert 0.9 < alpha.max() <= 1.0
    assert rgba[..., :3].min() >= 0.0
    assert (rgba[..., :3] <= alpha[..., None] + 1e-6).all(), "colour brighter than its alpha: not premultiplied"
    assert ((alpha > 0.02) & (alpha < 0.98)).any(), "no antialiased pixels"
    np.testing.assert_array_equal(rgba, make_cutout(kind, HEIGHT, WIDTH, generator(3)))
    assert not np.array_equal(rgba, make_cutout(kind, HEIGHT, WIDTH, generator(4)))


@pytest.mark.parametrize("kind", CUTOUTS)
def test_cutouts_are_textured(kind: str) -> None:
    rgba = make_cutout(kind, HEIGHT, WIDTH, generator(5))
    assert rgba[..., 1][rgba[..., 3] > 0.9].std() > 0.01


def test_glass_is_soft_inside() -> None:
    alpha = make_cutout("glass", HEIGHT, WIDTH, generator(1))[..., 3]
    inside = binary_erosion(alpha > 0.05, iterations=3)
    assert ((alpha > 0.2) & (alpha < 0.8) & inside).sum() > 0.2 * inside.sum()


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="hair, fur, foliage"):
        make_cutout("smoke", 10, 10, generator(0))


def test_canvas_coverage_becomes_alpha() -> None:
    canvas = Canvas(20, 20)
    canvas.ellipse(np.array([9.5, 9.5]), 6.0, 6.0, (1.0, 0.5, 0.0))
    rgba = canvas.rgba()
    assert rgba[..., 3].sum() == pytest.approx(np.pi * 36.0, rel=0.05)
    np.testing.assert_allclose(rgba[10, 10], [1.0, 0.5**2.2, 0.0, 1.0], atol=0.01)
    np.testing.assert_allclose(rgba, rgba[::-1, ::-1], atol=0.07)  # centred where it was asked for


def test_smooth_noise_is_normalised() -> None:
    noise = smooth_noise(64, 48, 6.0, generator(0))
    assert abs(noise.mean()) < 1e-9
    assert noise.std() == pytest.approx(1.0)
