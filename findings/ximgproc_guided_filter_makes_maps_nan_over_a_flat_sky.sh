#!/usr/bin/env bash
# OpenCV's ximgproc.guidedFilter: a flat patch of an 8-bit guide makes the filtered map NaN, up to all of it.
#
# Guess before running it: where the guide is flat its variance is 0, the filter a mean of the map, whatever `eps` above 0.
# Seen with opencv-contrib-python-headless 5.0.0.93 (Linux x86_64), a depth map of 0.2 to 0.9 and a textured guide of values
# up to 255: within 2e-5 of the same in float64 for any eps. With a blown-out patch (255) in the guide and eps of 1e-4, which
# suits guides in [0, 1], all from there to the lower right corner is NaN, float guide or uint8; with a sky of 200 to 201 the
# whole map is. At eps 0.01 the former is right, the latter off by 0.003, at eps 1 both are right. The variance is
# E[x^2] - E[x]^2 in float32, whose error passes eps; sums that run over the picture carry a NaN on. A colour guide with channels in proportion
# (textured, no flat part) gives no NaN but depths of thousands. Divided by 255, the guide does with eps 1e-4.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet opencv-contrib-python-headless==5.0.0.93 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np

RADIUS = 8
row, column = np.mgrid[:96, :128].astype(np.float32)
depth = (np.where(column > 60, 0.8, 0.2) + 0.001 * row).astype(np.float32)
texture = np.random.default_rng(0).random((96, 128)) * 40
textured = (texture + np.where(column > 60, 180, 60)).astype(np.float32)
patch = np.where((column > 90) & (row > 30) & (row < 70), np.float32(255), textured)
sky = np.where(row < 40, 200 + 0.01 * column, textured).astype(np.float32)
colours = np.dstack([textured, 0.9 * textured, 0.8 * textured])


def exact(guide, eps):
    """Return the filtered depth by the same equations in float64."""
    def mean(values):
        return cv2.blur(values, (2 * RADIUS + 1,) * 2, borderType=cv2.BORDER_REFLECT)

    guide, map_ = guide.astype(np.float64), depth.astype(np.float64)
    slope = (mean(guide * map_) - mean(guide) * mean(map_)) / (mean((guide - 150) ** 2) - mean(guide - 150) ** 2 + eps)
    return mean(slope) * guide + mean(mean(map_) - slope * mean(guide))


def look(name, guide, eps, scale=1.0):
    """Return the share of finite pixels, and how far these are off."""
    found = cv2.ximgproc.guidedFilter((guide / scale).astype(guide.dtype), depth, RADIUS, eps)
    finite = np.isfinite(found)
    off = np.abs(found - exact(guide / scale, eps))[finite].max() if finite.any() else np.nan
    print(f"{name}, {guide.dtype}, eps {eps:g}: {finite.mean():.1%} finite, off by {off:.1e}")
    if "patch" in name and not finite.all():
        assert np.array_equal(~finite, (row > 30) & (column > 90))
    return finite.mean(), off


print("OpenCV", cv2.__version__)
for eps in (1e-6, 1e-4, 1e-2, 1.0):
    assert look("textured", textured, eps)[1] < 2e-5
    for guide in (patch, patch.astype(np.uint8)):
        share, off = look("with a patch of 255", guide, eps)
        assert off < 2e-5 and (0.7 < share < 0.9 if eps < 1e-3 else share == 1)
    share, off = look("with a sky of 200 to 201", sky, eps)
    assert share == 0 if eps < 1e-3 else share == 1 and (1e-4 < off < 0.1 if eps < 0.1 else off < 2e-5)
for guide in (textured, patch, sky):
    share, off = look("the guides divided by 255", guide, 1e-4, 255.0)
    assert share == 1 and off < 1e-4
for eps, least in ((1e-4, 1000), (1e-2, 10)):
    found = cv2.ximgproc.guidedFilter(colours, depth, RADIUS, eps)
    print(f"three channels in proportion, eps {eps:g}: up to {np.abs(found).max():.0f}")
    assert np.isfinite(found).all() and np.abs(found).max() > least
PYTHON
echo "as described"
