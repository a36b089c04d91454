#!/usr/bin/env bash
# OpenCV: inpainting by Telea's method is right to one unit of the map, so that a disparity of 0 to 1 is filled with noise.
#
# Guess before running it: a hole in a constant float32 map is filled with that constant, and a map in metres is filled
# as the same map in millimetres.
# Seen with opencv-python-headless 5.0.0.93 (Linux x86_64), INPAINT_TELEA, radius 3: a hole of 10x15 px in the constant
# 0.3 is filled with values from -1.1 to 1.6, as one in 1000 is with 998.6 to 1001.3. In a ramp from 0.2 to 0.6 the fill
# is wrong by 1.4; the same ramp times 1000, filled and divided again, by 0.02. By the look of it the gradient enters by
# its direction alone, (Jx + Jy) / |J|: up to 1.4 units whatever its size, which is about a grey level of 8 bits, and more
# than all there is of a disparity from 0 to 1. Where the map is flat the direction is that of rounding errors.
# INPAINT_NS fills the same constants to 1e-6 of their value and the ramp to 0.01, in either unit. 4.12.0.88 is the same.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np

METHODS = {"Telea": cv2.INPAINT_TELEA, "Navier-Stokes": cv2.INPAINT_NS}
hole = np.zeros((60, 80), np.uint8)
hole[20:30, 30:45] = 1
ramp = np.tile(np.linspace(0.2, 0.6, 80), (60, 1)).astype(np.float32)


def fill(values, method):
    """Return what the hole of a float32 map is filled with, as one row of values."""
    return cv2.inpaint(values.astype(np.float32), hole, 3, METHODS[method])[hole == 1].astype(float)


print("OpenCV", cv2.__version__)
for method in METHODS:
    for constant in (0.3, 10.0, 1000.0):
        found = fill(np.full(hole.shape, constant), method)
        print(f"{method}, constant {constant}: {found.min():.4f} to {found.max():.4f}")
        wrong = np.abs(found - constant).max()
        assert (wrong > 1.2) if method == "Telea" else (wrong < 1e-5 * constant), wrong
    errors = {}
    for unit in (1, 1000):
        errors[unit] = np.abs(fill(ramp * unit, method) / unit - ramp[hole == 1]).max()
        print(f"{method}, ramp from 0.2 to 0.6, times {unit}: off by {errors[unit]:.3f} of the ramp's unit")
    assert errors[1000] < 0.06
    assert (errors[1] > 1) if method == "Telea" else (errors[1] < 0.06)
PYTHON
echo "as described"
