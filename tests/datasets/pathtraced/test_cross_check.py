"""How renderers are held against each other, on pictures that are made up."""

import dataclasses

import numpy as np
import pytest

from bokehbench.datasets.pathtraced.cross_check import (
    LAMP_DISC_PX,
    OURS,
    PlainPanel,
    check_discs,
    compare,
    measure_disc,
)
from bokehbench.datasets.pathtraced.layered_planes import HEIGHT, WIDTH


def noisy(picture, level, seed):
    rng = np.random.default_rng(seed)
    return tuple((picture + rng.normal(0.0, level, picture.shape)).astype(np.float32) for _ in range(2))


def test_noise_is_told_from_what_differs():
    grey = np.full((96, 128, 3), 0.5)
    alike = compare(noisy(grey, 0.02, 1), noisy(grey, 0.03, 2))
    assert alike["psnr"] == pytest.approx(alike["psnr_of_noise_alone"], abs=0.2)
    assert alike["psnr_without_noise_at_least"] > 45.0
    apart = compare(noisy(grey, 0.02, 1), noisy(grey + 0.02, 0.03, 2))
    assert apart["psnr"] < apart["psnr_of_noise_alone"] - 1.0
    assert apart["psnr_without_noise_at_least"] == pytest.approx(-20.0 * np.log10(0.02), abs=0.6)
    exact = (np.zeros((4, 4, 3), np.float32),) * 2
    assert set(compare(exact, exact).values()) == {None}


@pytest.mark.parametrize("radius_px", [8.0, 15.7])
def test_a_disc_is_measured(radius_px):
    """A square of 4 px moved over a disc, by areas of pixels."""
    light = np.zeros((HEIGHT, WIDTH))
    points = np.random.default_rng(0).uniform(-1.0, 1.0, (400_000, 2))
    points = points[np.hypot(*points.T) <= 1.0] * radius_px
    points += np.random.default_rng(1).uniform(-2.0, 2.0, points.shape) + np.array([80.5, 32.5])
    np.add.at(light, (points[:, 1].astype(int), points[:, 0].astype(int)), 1.0)
    assert measure_disc(np.repeat(light[..., None], 3, axis=2), (80.0, 32.0)) == pytest.approx(radius_px, rel=3e-3)


def test_our_ray_tracer_makes_the_formula_s_disc():
    rows = list(check_discs({}, samples=1))
    assert [row["renderer"] for row in rows] == [OURS, OURS]
    assert {row["radius_px"] for row in rows} == {LAMP_DISC_PX}
    assert all(abs(row["error_percent"]) < 0.1 for row in rows)


def test_a_panel_of_one_radiance_is_plain():
    panel = PlainPanel(0, (0.0, 0.0, 3.0), (1.0, 1.0), (0.0, 0.0, 0.0), 7.0)
    assert np.unique(dataclasses.replace(panel).panel().radiance).tolist() == [7.0]
