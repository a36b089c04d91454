#!/usr/bin/env bash
# OpenCV's quality module (contrib): SSIM and GMSD of float pictures in [0, 1] are near perfect, whatever differs.
#
# Guess before running it: a float picture in [0, 1] has the range 1, as elsewhere; at worst the call refuses it.
# Seen with opencv-contrib 5.0.0.93 and 4.13.0.90 alike (Linux x86_64), float32 pictures of 384x256 px, against the same
# pictures times 255:
#                          SSIM in [0, 1]  times 255   GMSD in [0, 1]  times 255   PSNR in [0, 1]  times 255
#   blur of deviation 2    0.99993         0.979       0.00001         0.0223      80.2            32.1
#   noise of 0.05          0.99995         0.724       0.00000         0.0331      74.2            26.0
#   inverse                0.987           -0.564      0.00010         0.0273      57.7            9.6
# So the order of blur and noise turns over, too. scikit-image's Gaussian SSIM with data_range=1 is within 0.004 of the
# values times 255. The constants that keep SSIM's and GMSD's denominators from zero are those of 8 bits, whatever the
# type, and nothing sets them. PSNR has `maxPixelValue`; a third argument by place is
# taken for the map to be written, also where it is a number, which is ignored.
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
from skimage.metrics import structural_similarity

y, x = np.mgrid[:256, :384]
random = np.random.default_rng(0)
target = np.clip(0.5 + 0.25 * np.sin(x / 5) * np.cos(y / 7) + 0.15 * np.sin(x * y / 900), 0, 1).astype(np.float32)
RENDERS = {
    "blur of deviation 2": cv2.GaussianBlur(target, (0, 0), 2),
    "noise of 0.05": np.clip(target + 0.05 * random.normal(size=target.shape), 0, 1).astype(np.float32),
    "inverse": 1 - target,
}


def measure(scale):
    """Return SSIM, GMSD and PSNR of each render, pictures times ``scale``."""
    metrics = cv2.quality.QualitySSIM_compute, cv2.quality.QualityGMSD_compute, cv2.quality.QualityPSNR_compute
    pictures = [(target * np.float32(scale), render * np.float32(scale)) for render in RENDERS.values()]
    return np.array([[metric(*pair)[0][0] for metric in metrics] for pair in pictures])


shares, levels = measure(1), measure(255)
print("OpenCV", cv2.__version__)
for name, of_shares, of_levels in zip(RENDERS, shares, levels):
    print(f"{name}: SSIM, GMSD, PSNR in [0, 1]", of_shares.round(5), "times 255", of_levels.round(4))
np.testing.assert_allclose(shares[:, 0], (0.99993, 0.99995, 0.987), atol=1e-3)
np.testing.assert_allclose(levels[:, 0], (0.979, 0.724, -0.564), atol=2e-3)
assert shares[0, 0] < shares[1, 0] and levels[0, 0] > levels[1, 0] + 0.2
assert shares[:, 1].max() < 2e-4 and levels[:, 1].min() > 0.02
np.testing.assert_allclose(shares[:, 2] - levels[:, 2], 20 * np.log10(255), atol=1e-2)
for render, (ssim, _, psnr) in zip(RENDERS.values(), levels):
    gaussian = {"data_range": 1, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    assert abs(structural_similarity(target, render, **gaussian) - ssim) < 5e-3
    assert abs(cv2.quality.QualityPSNR_compute(target, render, maxPixelValue=1.0)[0][0] - psnr) < 1e-2
    assert cv2.quality.QualityPSNR_compute(target, render, 1.0)[0][0] > psnr + 48
PYTHON
echo "as described"
