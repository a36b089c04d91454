import numpy as np
import pytest

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.pairs.exposure import match_brightness, match_channels


@pytest.fixture
def image() -> np.ndarray:
    return (0.1 + 0.4 * np.random.default_rng(0).random((20, 30, 3))).astype(np.float32)


def test_one_gain_per_channel_meets_each_channels_mean(image) -> None:
    target = image * np.array([0.5, 1.0, 1.5], np.float32)
    np.testing.assert_allclose(match_channels(image, target), target, rtol=1e-5)


def test_one_gain_for_all_meets_the_mean_and_keeps_the_colours(image) -> None:
    target = image * np.array([0.5, 1.0, 1.5], np.float32)
    found = match_brightness(image, target)
    assert found.mean() == pytest.approx(target.mean(), rel=1e-5)
    ratio = found / image
    assert ratio.min() == pytest.approx(ratio.max(), rel=1e-5)


def test_the_result_is_clipped(image) -> None:
    assert match_channels(image, np.ones_like(image)).max() == 1.0


@pytest.mark.parametrize("match", [match_channels, match_brightness])
def test_a_black_picture_has_no_gain(image, match) -> None:
    with pytest.raises(DamagedDataError, match="black everywhere"):
        match(np.zeros_like(image), image)
