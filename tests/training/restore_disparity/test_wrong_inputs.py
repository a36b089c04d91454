"""What is wrong about pictures and maps in training: reproducible, within the map's range, as the shares say."""

import numpy as np
import pytest

from bokehbench.core.errors import InvalidOptionError
from bokehbench.datasets.low_quality.zoom import drop_resolution, zoom
from bokehbench.training.restore_disparity.wrong_inputs import WrongInputs


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).random((48, 48, 3), np.float32)


@pytest.fixture(scope="module")
def disparity():
    square = np.full((48, 48), 0.2, np.float32)
    square[12:36, 12:36] = 0.9
    return square


def _only(kind, **values):
    return WrongInputs(**({"coarse": 0.0, "lost": 0.0, "blurred": 0.0} | ({kind: 1.0} if kind else {}) | values))


@pytest.mark.parametrize("kind", ["coarse", "lost", "blurred"])
def test_each_kind_changes_the_map_within_its_range_and_the_same_way_each_time(kind, picture, disparity):
    before = disparity.copy()
    made = [_only(kind).apply(picture, disparity, np.random.default_rng(3))[1] for _ in range(2)]
    np.testing.assert_array_equal(*made)
    np.testing.assert_array_equal(disparity, before)
    assert made[0].dtype == np.float32
    assert not np.array_equal(made[0], disparity)
    assert made[0].min() >= disparity.min() - 1e-6
    assert made[0].max() <= disparity.max() + 1e-6


def test_a_coarse_map_and_its_picture_have_one_factor(picture, disparity):
    wrong = _only("coarse", factors=(4.0, 4.0), clean=0.0)
    poor, coarse = wrong.apply(picture, disparity, np.random.default_rng(5))
    np.testing.assert_allclose(coarse, drop_resolution(disparity, 4.0), atol=1e-6)
    plain = zoom(picture, 4.0, np.random.default_rng(6))
    assert np.square(poor - plain).mean() < 0.1 * np.square(poor - picture).mean()


def test_nothing_is_wrong_where_no_share_is(picture, disparity):
    poor, given = _only(None, clean=1.0).apply(picture, disparity, np.random.default_rng(0))
    assert poor is picture
    assert given is disparity


def test_impossible_values_are_refused():
    with pytest.raises(InvalidOptionError, match=r"wrong_inputs\.coarse: expected at most 1 with lost and blurred"):
        WrongInputs(coarse=0.6, lost=0.5)
    with pytest.raises(InvalidOptionError, match=r"wrong_inputs\.factors: expected 1 to 16"):
        WrongInputs(factors=(0.5, 8.0))
    with pytest.raises(InvalidOptionError, match=r"wrong_inputs\.lost_px: expected the smaller number first"):
        WrongInputs(lost_px=(8.0, 1.0))
