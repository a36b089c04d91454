"""Light that is not linear shows in its highlights."""

import numpy as np
import pytest

from bokehbench.datasets.import_render.checks import clipping_doubt


@pytest.fixture
def light():
    return np.random.default_rng(1).gamma(1.0, 0.4, (32, 32, 3)).astype(np.float32)


HIT = np.ones((32, 32), bool)


def test_light_beyond_one_is_no_display_value(light):
    assert light.max() > 1.0
    assert clipping_doubt(light, HIT) is None


def test_dim_light_without_plateaus(light):
    assert clipping_doubt(light / light.max(), HIT) is None


@pytest.mark.parametrize("top", [1.0, 0.9])
def test_clipped_highlights(light, top):
    assert "never exceeds 1, and" in clipping_doubt(np.minimum(light, 1.0) * top, HIT)


def test_a_sky_of_one_colour_is_no_plateau(light):
    sky = np.zeros_like(HIT)
    sky[:8] = True
    assert clipping_doubt(np.where(sky[..., None], np.float32(0.9), light * 0.1), ~sky) is None
