#!/usr/bin/env bash
# OpenCV without Intel's IPP, its ximgproc, scikit-image: one sky pixel takes the edges out of a whole bilateral filter.
#
# Guess before running it: a bilateral filter is local. A depth map whose sky is 65504 or 1e10 (as halves and Cycles have
# it) is smoothed as any other where no window holds sky; and OpenCV gives the same on every machine.
# Seen with opencv-contrib-python-headless 5.0.0.93 and scikit-image 0.26.0 (Linux x86_64): two noisy planes at 2 and 4 m,
# one pixel in a corner set to what the sky is, windows of 9 px, sigma 0.1 m. The step between the planes, far from it:
#   sky                                        none    1000    65504   1e10
#   cv2.bilateralFilter, with IPP (x86)        1.99    1.99    1.99    1.99
#   cv2.bilateralFilter, without IPP           1.99    1.99    0.50    0.38
#   skimage.restoration.denoise_bilateral      1.99    1.99    0.23    0.23
#   ximgproc.jointBilateralFilter, such guide  1.99    1.99    0.50    0.38
# A Gaussian has 0.25. Weights are looked up in a table over the range of the whole picture (OpenCV: 4096 entries,
# scikit-image: 10000), so that all depths fall into its first entry and weigh alike. The aarch64 wheel of the same
# version has carotene and KleidiCV in its build information and no IPP (that wheel was read, not run): there the same call
# on the same file is to be expected without edges. Limit the map first.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet opencv-contrib-python-headless==5.0.0.93 scikit-image==0.26.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np
import skimage
from skimage.restoration import denoise_bilateral

depth = np.full((80, 120), 2.0, np.float32)
depth[:, 60:] = 4.0
depth += np.random.default_rng(0).normal(0, 0.02, depth.shape).astype(np.float32)
HAS_IPP = cv2.ipp.useIPP()


def bilateral(map_m, ipp):
    """OpenCV's own filter."""
    cv2.ipp.setUseIPP(ipp)
    return cv2.bilateralFilter(map_m, 9, 0.1, 5)


FILTERS = {
    "cv2.bilateralFilter without IPP": lambda map_m: bilateral(map_m, False),
    "skimage denoise_bilateral": lambda map_m: denoise_bilateral(map_m, win_size=9, sigma_color=0.1, sigma_spatial=5),
    "ximgproc.jointBilateralFilter": lambda map_m: cv2.ximgproc.jointBilateralFilter(map_m, depth, 9, 0.1, 5),
}
if HAS_IPP:
    FILTERS["cv2.bilateralFilter with IPP"] = lambda map_m: bilateral(map_m, True)
print("OpenCV", cv2.__version__, "scikit-image", skimage.__version__)
for name, smooth in FILTERS.items():
    alone = smooth(depth)
    steps = []
    for sky in (None, 1000.0, 65504.0, 1e10):
        map_m = depth.copy()
        if sky:
            map_m[0, 0] = sky
        made = smooth(map_m)
        steps.append(np.abs(np.diff(made[40, 50:70])).max())
        change = np.abs(made - alone)[20:].max()
        kept = sky is None or sky < 1e4 or name == "cv2.bilateralFilter with IPP"
        assert (steps[-1] > 1.9 and change < 0.01) if kept else (steps[-1] < 0.8 and change > 0.5), (sky, steps, change)
    print(name, "- step without sky, with 1000, 65504, 1e10:", *(f"{step:.2f}" for step in steps))
PYTHON
echo "as described"
