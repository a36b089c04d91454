#!/usr/bin/env bash
# OpenImageIO: resizing to one pixel more takes a third of the finest detail, to one pixel less a ninth; `cubic` is no
# bicubic; two of its filters tear edges apart.
#
# Guess before running it: the default filter interpolates, so that a pixel more or less changes next to nothing; `cubic` is
# the bicubic of other programs (a = -0.5 or -0.75), `sinc` and `radial-lanczos3` are close to `lanczos3`.
# Seen with OpenImageIO 3.2.2.0 (Linux x86_64), 96 px a side. White noise keeps 0.885 of its deviation at 95 px (lanczos3 by
# default), all at 96, and 0.66 to 0.67 from 97 px to 192 (blackman-harris, which does not go through the pixels). `cubic` is
# never negative: a = 0, where `keys` and `catmull-rom` dip to -0.07 beside a bright pixel. A map's step from 0.2 to 0.8
# overshoots by 0.07 of itself with `keys` and 0.10 with `lanczos3` at twice the size, but by 0.66 with `sinc` (-0.19 to 1.19)
# and 0.34 with `radial-lanczos3`, which overshoots by 0.25 where the size stays the same, too.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet OpenImageIO==3.2.2.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import numpy as np
import OpenImageIO as oiio

SIDE = 96
NOISE = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
STEP = np.where(np.arange(SIDE) < SIDE // 2, 0.2, 0.8).astype(np.float32) * np.ones((SIDE, 1), np.float32)
POINT = np.zeros((SIDE, SIDE), np.float32)
POINT[SIDE // 2, SIDE // 2] = 1
KEPT = {90: 0.842, 95: 0.885, 96: 1.0, 97: 0.663, 100: 0.667, 144: 0.664, 192: 0.671}
OVERSHOOTS = {  # as shares of the step: at the same size, at twice the size
    "cubic": (0, 0), "keys": (0, 0.070), "lanczos3": (0, 0.103), "sinc": (0, 0.658), "radial-lanczos3": (0.251, 0.336)
}


def resize(values, side, name=""):
    """Return a map (H,W) at another size; no name: the filter that is chosen by default."""
    picture = oiio.ImageBuf(np.ascontiguousarray(values[..., None]))
    return oiio.ImageBufAlgo.resize(picture, name, roi=oiio.ROI(0, side, 0, side)).get_pixels(oiio.FLOAT)[..., 0]


print("OpenImageIO", oiio.VERSION_STRING)
for side, seen in KEPT.items():
    kept = resize(NOISE, side).std() / NOISE.std()
    print(f"default, {SIDE} to {side} px: {kept:.3f} of the noise's deviation")
    assert abs(kept - seen) < 0.01
for name, seen in OVERSHOOTS.items():
    assert np.abs(resize(np.full_like(STEP, 0.5), 2 * SIDE, name) - 0.5).max() < 1e-5
    found = [(resize(STEP, side, name).max() - 0.8) / 0.6 for side in (SIDE, 2 * SIDE)]
    least = resize(POINT, 4 * SIDE, name).min()
    print(f"{name}: a step overshoots by {found[0]:.2f}, at twice the size {found[1]:.2f}; beside a point {least:.3f}")
    assert np.allclose(found, seen, atol=0.01)
    assert abs(least) < 1e-6 if name == "cubic" else least < -0.06
PYTHON
echo "as described"
