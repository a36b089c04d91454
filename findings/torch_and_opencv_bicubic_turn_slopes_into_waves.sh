#!/usr/bin/env bash
# PyTorch, OpenCV: bicubic enlargement turns a slanted plane into waves; torch's antialias=True makes it another cubic.
#
# Guess before running it: bicubic is smoother than bilinear and reproduces any plane exactly, as bilinear does.
# `antialias` is for shrinking and changes nothing where a map grows, as it changes nothing in bilinear mode.
# Seen with torch 2.13.0, OpenCV 5.0.0.93, Pillow 13.0.0 (Linux x86_64, CPU), a float ramp of 1 per pixel enlarged, away
# from its ends; its slope, per pixel of the small map, should be 1:
#                                        2x            4x            8x            off by
#   torch bicubic, OpenCV INTER_CUBIC    0.81 to 1.19  0.77 to 1.33  0.75 to 1.41  0.05 steps
#   OpenCV INTER_LANCZOS4                0.94 to 1.06  0.92 to 1.09  0.92 to 1.11  0.015
#   torch bicubic with antialias=True    1             1             1             0
#   Pillow BICUBIC, torch bilinear       1             1             1             0
# So a depth network's output enlarged eight times in this way, as many do for the photograph's size, has normals of a
# plane at 45 degrees that swing between 37 and 55 degrees in every pixel of the small map, and gradient scores see it.
# The two cubics have a = -0.75 and a = -0.5; only the second keeps slopes. On noise enlarged 4x they differ by up to
# 0.085 of its range, and overshoot a step by 0.11 and 0.07, so "bicubic" pictures of torch with and without `antialias`
# are no equal inputs or baselines.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np
import PIL
import torch
from PIL import Image
from torch.nn.functional import interpolate

STEPS = 64
RAMP = np.tile(np.arange(STEPS, dtype=np.float32), (16, 1))
FACTORS = (2, 4, 8)


def with_torch(values, factor, mode, antialias):
    """Return torch's enlargement of a float map (H,W)."""
    found = interpolate(torch.from_numpy(values)[None, None], scale_factor=factor, mode=mode, antialias=antialias)
    return found[0, 0].numpy()


def with_opencv(values, factor, interpolation):
    """Return OpenCV's."""
    return cv2.resize(values, None, fx=factor, fy=factor, interpolation=interpolation)


def with_pillow(values, factor):
    """Return Pillow's bicubic one."""
    size = (values.shape[1] * factor, values.shape[0] * factor)
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC))


CUBIC = ((0.8125, 1.1875), (0.766, 1.328), (0.754, 1.410))
LANCZOS = ((0.942, 1.058), (0.924, 1.094), (0.920, 1.111))
EVEN = ((1, 1),) * 3
METHODS = {  # and the least and greatest slope seen for each factor
    "torch bicubic": (lambda values, factor: with_torch(values, factor, "bicubic", False), CUBIC),
    "OpenCV INTER_CUBIC": (lambda values, factor: with_opencv(values, factor, cv2.INTER_CUBIC), CUBIC),
    "OpenCV INTER_LANCZOS4": (lambda values, factor: with_opencv(values, factor, cv2.INTER_LANCZOS4), LANCZOS),
    "torch bicubic, antialias": (lambda values, factor: with_torch(values, factor, "bicubic", True), EVEN),
    "Pillow BICUBIC": (with_pillow, EVEN),
    "torch bilinear": (lambda values, factor: with_torch(values, factor, "bilinear", False), EVEN),
    "torch bilinear, antialias": (lambda values, factor: with_torch(values, factor, "bilinear", True), EVEN),
}
print("torch", torch.__version__, "OpenCV", cv2.__version__, "Pillow", PIL.__version__)
for name, (enlarge, expected) in METHODS.items():
    for factor, bounds in zip(FACTORS, expected):
        inner = slice(8 * factor, -8 * factor)
        found = enlarge(RAMP, factor)[8 * factor, inner].astype(float)
        true = ((np.arange(STEPS * factor) + 0.5) / factor - 0.5)[inner]
        slopes, off = np.diff(found) * factor, np.abs(found - true).max()
        print(f"{name}, {factor}x: slope {slopes.min():.3f} to {slopes.max():.3f}, off by {off:.4f}")
        assert abs(slopes.min() - bounds[0]) < 2e-3 and abs(slopes.max() - bounds[1]) < 2e-3
        least, most = (0.035, 0.055) if bounds in CUBIC else (0.01, 0.02) if bounds in LANCZOS else (0, 1e-4)
        assert least <= off < most

noise = torch.rand(64, 64, generator=torch.manual_seed(0)).numpy()
apart = np.abs(with_torch(noise, 4, "bicubic", True) - with_torch(noise, 4, "bicubic", False)).max()
bilinear = np.abs(with_torch(noise, 4, "bilinear", True) - with_torch(noise, 4, "bilinear", False)).max()
step = np.tile((np.arange(16) > 7).astype(np.float32), (16, 1))
over = [with_torch(step, 2, "bicubic", antialias).max() - 1 for antialias in (False, True)]
print(f"antialias changes noise at 4x by {apart:.3f}, bilinear {bilinear:.1g}; overshoot {over[0]:.3f}, {over[1]:.3f}")
assert 0.07 < apart < 0.1 and bilinear < 1e-5 and abs(over[0] - 0.105) < 0.002 and abs(over[1] - 0.070) < 0.002
PYTHON
echo "as described"
