import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.pairs.focus import disparity_at, estimate_focus


@pytest.fixture
def image() -> np.ndarray:
    rng = np.random.default_rng(3)
    return (0.2 + 0.6 * np.kron(rng.random((24, 32, 3)), np.ones((4, 4, 1)))).astype(np.float32)


@pytest.fixture
def disparity() -> np.ndarray:
    """Four vertical stripes: 1, 2, 3, 4 from left to right."""
    return np.tile(np.repeat(np.arange(1.0, 5.0, dtype=np.float32), 32), (96, 1))


def blurred_except(image, stripe) -> np.ndarray:
    out = np.stack([gaussian_filter(image[..., c], 4.0) for c in range(3)], axis=2)
    out[:, 32 * stripe : 32 * stripe + 32] = image[:, 32 * stripe : 32 * stripe + 32]
    return out


@pytest.mark.parametrize("stripe", range(4))
def test_the_sharp_stripe_is_found(image, disparity, stripe) -> None:
    assert estimate_focus(image, blurred_except(image, stripe), disparity) == stripe + 1


@pytest.mark.parametrize("gain", [0.4, 1.2])
def test_exposure_does_not_matter(image, disparity, gain) -> None:
    target = (gain * blurred_except(image, 2)).astype(np.float32)
    assert estimate_focus(image, target, disparity) == 3.0


def test_a_shift_of_a_few_pixels_does_not_matter(image, disparity) -> None:
    target = np.roll(blurred_except(image, 1), (2, -2), axis=(0, 1))
    assert estimate_focus(image, target, disparity) == 2.0


def test_a_lens_that_is_soft_in_focus_is_found(image, disparity) -> None:
    soft = np.stack([gaussian_filter(blurred_except(image, 2)[..., c], 0.9) for c in range(3)], axis=2)
    assert estimate_focus(image, soft, disparity) == 3.0


def test_the_centre_is_preferred(image, disparity) -> None:
    """Three of five sharp points lie at the border, but those in the middle decide."""
    target = blurred_except(image, 1)
    target[:, :32] = image[:, :32]
    target[:16], target[-16:] = image[:16], image[-16:]
    assert estimate_focus(image, target, disparity) == 2.0


def test_nothing_sharp_gives_none(image, disparity) -> None:
    everything_blurred = np.stack([gaussian_filter(image[..., c], 6.0) for c in range(3)], axis=2)
    assert estimate_focus(image, everything_blurred, disparity) is None
    flat = np.full_like(image, 0.5)
    assert estimate_focus(flat, flat, disparity) is None


def test_a_click_takes_the_median_around_it(disparity) -> None:
    noisy = disparity.copy()
    noisy[50, 40] = 99.0
    assert disparity_at(noisy, 40, 50) == 2.0
    assert disparity_at(disparity, 0, 0) == 1.0
    assert disparity_at(disparity, 127.9, 95.9) == 4.0


@pytest.mark.parametrize("point", [(128, 5), (5, 96), (-1, 5)])
def test_a_click_outside_is_refused(disparity, point) -> None:
    with pytest.raises(DamagedDataError, match="expected a point inside 128x96 px"):
        disparity_at(disparity, *point)
