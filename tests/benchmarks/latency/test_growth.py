"""Exponents that synthetic times were made with come back."""

import numpy as np
import pytest

from bokehbench.benchmarks.latency.growth import fit_growth

PIXELS = [256.0**2, 512.0**2, 1024.0**2, 2048.0**2] * 2
RADII = [8.0] * 4 + [32.0] * 4


def times(p, q, noise=0.0):
    rng = np.random.default_rng(0)
    clean = 3e-9 * np.array(PIXELS) ** p * np.array(RADII) ** q
    return list(clean * np.exp(noise * rng.normal(size=8)))


def test_exact_powers_are_recovered():
    fit = fit_growth(times(1.25, 0.75), {"pixels": PIXELS, "radius": RADII})
    assert fit.growth["pixels"].exponent == pytest.approx(1.25)
    assert fit.growth["radius"].exponent == pytest.approx(0.75)
    assert fit.worst_factor == pytest.approx(1.0)
    assert fit.points == 8


def test_noisy_powers_lie_in_their_intervals():
    fit = fit_growth(times(1.0, 2.0, noise=0.1), {"pixels": PIXELS, "radius": RADII})
    for name, true in (("pixels", 1.0), ("radius", 2.0)):
        low, high = fit.growth[name].interval
        assert low < true < high
        assert high - low < 0.6
    assert 1.0 < fit.worst_factor < 1.4


def test_what_does_not_vary_has_no_exponent():
    fit = fit_growth([1.0, 2.0], {"pixels": [100, 200], "radius": [8, 8]})
    assert set(fit.growth) == {"pixels"}
    assert fit.growth["pixels"].exponent == pytest.approx(1.0)
    assert fit.growth["pixels"].interval is None


def test_points_of_unknown_cost_are_left_out():
    """A render may add nothing to the memory that its process holds already."""
    fit = fit_growth([None, 0.0, 1.0, 2.0], {"pixels": [25, 50, 100, 200]})
    assert fit.growth["pixels"].exponent == pytest.approx(1.0)
    assert fit.points == 2


@pytest.mark.parametrize(
    ("seconds", "pixels", "radius"),
    [([1.0], [100], [8]), ([1.0, 2.0], [100, 200], [8, 16]), ([1.0, 2.0, 3.0], [1, 2, 4], [1, 2, 4])],
    ids=["nothing varies", "too few", "vary together"],
)
def test_what_cannot_be_told_is_not_told(seconds, pixels, radius):
    assert fit_growth(seconds, {"pixels": pixels, "radius": radius}) is None
