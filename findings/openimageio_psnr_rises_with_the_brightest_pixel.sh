#!/usr/bin/env bash
# OpenImageIO: the PSNR of compare() takes the brightest pixel of either picture as its peak, so a firefly raises it.
#
# Guess before running it: the peak of float pictures is 1, as it is in every table of this field; a render that has one
# wrong, far too bright pixel scores badly.
# Seen with OpenImageIO 3.2.2.0 (Linux x86_64), 64x64 px, noise of 0.01 between the two pictures: 40 dB, as it should. One
# lamp of 100, the same in both: 80 dB. One pixel of 100 in the render alone, 1 in the target: 36.2 dB where the mean
# squared error gives -3.8, and 36.1 for one of 1e6 where it gives -83.9. So no wrong pixel can cost a picture more than
# 10 log10 of its number of pixels, whatever it does to the mean squared error, and PSNR of one renderer on an HDR scene
# with lamps and one without do not compare. rms_error and mean_error are as they should be.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet openimageio==3.2.2.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import numpy as np
import OpenImageIO as oiio

SIZE = 64


def buffer(values):
    """Return an ImageBuf of float32 colours."""
    made = oiio.ImageBuf(oiio.ImageSpec(SIZE, SIZE, 3, "float"))
    made.set_pixels(oiio.ROI(), values.astype(np.float32))
    return made


def score(render, target):
    """Return OpenImageIO's PSNR, the one of a peak of 1, and how far its rms error is from the true one."""
    found = oiio.ImageBufAlgo.compare(buffer(render), buffer(target), 1e-3, 1e-3)
    error = float(((render - target) ** 2).mean())
    return found.PSNR, -10 * np.log10(error), found.rms_error / error**0.5 - 1


random = np.random.default_rng(0)
target = random.random((SIZE, SIZE, 3))
target[3, 3] = 1.0
render = target + random.normal(0, 0.01, target.shape)
print("OpenImageIO", oiio.__version__)


def with_pixel(picture, value):
    """Return the picture with one pixel of that value."""
    made = picture.copy()
    made[3, 3] = value
    return made


CASES = (  # what, render, target, PSNR seen, PSNR of a peak of 1
    ("as they are", render, target, 40.1, 40.0),
    ("a lamp of 100 in both", with_pixel(render, 100), with_pixel(target, 100), 80.0, 40.0),
    ("a pixel of 100 in the render", with_pixel(render, 100), target, 36.2, -3.8),
    ("a pixel of 1e6 in the render", with_pixel(render, 1e6), target, 36.1, -83.9),
)
for what, one, other, seen, unit in CASES:
    found, expected, off = score(one, other)
    print(f"{what}: PSNR {found:.1f} dB, with a peak of 1 {expected:.1f} dB")
    assert abs(found - seen) < 0.3 and abs(expected - unit) < 0.3 and abs(off) < 1e-3
PYTHON
echo "as described"
