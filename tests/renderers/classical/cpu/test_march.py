"""Rows of sixteen rays against the march pixel by pixel, on random and extreme surfaces."""

import numpy as np
import pytest

from bokehbench.renderers.classical.cpu.march import bin_shifts, lens_patterns, march_tiles, nearest_radius, vogel_disc
from bokehbench.renderers.classical.cpu.planes import empty_planes, lay_rows
from bokehbench.renderers.classical.cpu.reach import BIN_PX, plan_tiles
from bokehbench.renderers.classical.march_reference import march_reference
from bokehbench.renderers.classical.surfaces import NOTHING

SAME_PX = np.float32(0.3)


def random_surfaces(height, width, nearest_px, farthest_px, share_behind, seed=0):
    """Slanted patches of 7x5 px with random coverage, some with another surface behind them."""
    rng = np.random.default_rng(seed)
    front, back = rng.random((height, width, 4), np.float32), rng.random((height, width, 3), np.float32)
    front[..., 3] = np.where(rng.random((height, width)) < 0.7, 1.0, 0.05 + 0.9 * front[..., 3])
    patches = rng.uniform(farthest_px, nearest_px, (height // 7 + 1, width // 5 + 1)).repeat(7, 0).repeat(5, 1)
    slant = 0.2 * np.arange(width) * (nearest_px > farthest_px)
    near = np.clip(patches[:height, :width] + slant % 2.0, farthest_px, nearest_px)
    behind = np.where(rng.random((height, width)) < share_behind, rng.uniform(farthest_px, near), NOTHING)
    return front, back, np.stack([near, behind], axis=2).astype(np.float32)


@pytest.mark.parametrize(
    ("height", "width", "nearest_px", "farthest_px", "share_behind"),
    [
        (40, 52, 6.0, -5.0, 0.5),
        (33, 17, 9.0, 2.0, 0.1),
        (16, 16, 0.4, -0.4, 0.5),
        (24, 30, 70.0, -60.0, 0.3),
        (5, 3, 8.0, -8.0, 1.0),
        (1, 1, 3.0, 1.0, 0.0),
        (20, 40, 2.0, 2.0, 0.0),
    ],
)
def test_rows_agree_with_the_definition(height, width, nearest_px, farthest_px, share_behind):
    front, back, defocus = random_surfaces(height, width, nearest_px, farthest_px, share_behind)
    plan = plan_tiles(defocus, np.ones((height, width), bool))
    shifts = bin_shifts(plan.lowest, plan.blocks.shape[2])
    lens, starts = lens_patterns()
    planes, truth = empty_planes(height, width), np.zeros_like(back)
    ours = np.zeros((3, height, width), np.float32).transpose(1, 2, 0)  # as the renderer's
    lay_rows(0, len(planes), front, back, defocus, planes)
    march_tiles(0, len(plan.counts), planes, plan, shifts, SAME_PX, lens, starts, front, ours)
    march_reference(front, back, defocus, SAME_PX, plan, shifts, lens, starts, truth)
    np.testing.assert_allclose(ours, truth, rtol=0, atol=2e-5)


@pytest.mark.parametrize("radius", [0.7, 1.0, 1.25, 2.0, 3.7, 8.0, 8.6, 20.0])
def test_rounded_discs_blur_as_much_as_the_lens(radius):
    """Second moment of the rounded samples along x: r^2 / 4, to a hundredth of it."""
    x = np.round(nearest_radius(np.array([radius])) * vogel_disc(1 << 16)[:, 0])
    assert np.mean(x**2) == pytest.approx(radius**2 / 4.0, rel=0.01)


def test_what_is_in_focus_stays_sharp():
    plan = plan_tiles(np.full((16, 16, 2), 0.03, np.float32), np.ones((16, 16), bool))
    shifts = bin_shifts(plan.lowest, plan.blocks.shape[2])
    assert shifts.nearest_px[0] == shifts.colour_px[0] == 0.0
    assert plan.lowest == -0.5 * BIN_PX
