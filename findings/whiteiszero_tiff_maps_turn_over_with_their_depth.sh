#!/usr/bin/env bash
# OpenCV and Pillow: a WhiteIsZero TIFF is inverted at 8 bits and read as stored at 16 and 32, so near and far swap.
#
# Guess before running it: a library either honours the polarity of a grey TIFF (PhotometricInterpretation 0) or it does
# not, whatever the depth of its samples.
# Seen with opencv-python-headless 5.0.0.93 and Pillow 13.0.0 (Linux x86_64): both invert 8-bit samples and leave 16-bit
# integers and 32-bit floats as they are stored. tifffile 2026.3.3, imageio 2.38.1 and scikit-image 0.26.0 never invert.
# A disparity map that a scanner-like tool wrote WhiteIsZero thus keeps its order of depths in three of the five at every
# depth; in the other two the 8-bit copy of a 16-bit map has its foreground where the background was. Nothing is said.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 pillow==13.0.0 tifffile==2026.3.3 \
    imageio==2.38.1 scikit-image==0.26.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import cv2
import imageio.v3
import numpy as np
import skimage.io
import tifffile
from PIL import Image

READERS = {
    "OpenCV": lambda path: cv2.imread(path, cv2.IMREAD_UNCHANGED),
    "Pillow": lambda path: np.asarray(Image.open(path)),
    "tifffile": tifffile.imread,
    "imageio": imageio.v3.imread,
    "scikit-image": skimage.io.imread,
}
HONOUR_AT_8_BITS = {"OpenCV", "Pillow"}


def read(number, polarity):
    """Return, by library, whether a ramp of stored samples comes back as stored or inverted."""
    largest = 1.0 if number is np.float32 else np.iinfo(number).max
    stored = (np.tile(np.linspace(0.0, 1.0, 64), (48, 1)) * largest).astype(number)
    tifffile.imwrite("map.tif", stored, photometric=polarity)
    with tifffile.TiffFile("map.tif") as file:
        assert file.pages[0].photometric.name == polarity.upper()
    answers = {}
    for name, reader in READERS.items():
        found = reader("map.tif").astype(float)
        as_stored, inverted = np.array_equal(found, stored), np.array_equal(found, largest - stored.astype(float))
        assert as_stored != inverted, (name, number)
        answers[name] = "inverted" if inverted else "as stored"
    return answers


for number in (np.uint8, np.uint16, np.float32):
    assert set(read(number, "minisblack").values()) == {"as stored"}
    answers = read(number, "miniswhite")
    print(f"WhiteIsZero, {np.dtype(number)}:", ", ".join(f"{name} {answer}" for name, answer in answers.items()))
    for name, answer in answers.items():
        expected = "inverted" if number is np.uint8 and name in HONOUR_AT_8_BITS else "as stored"
        assert answer == expected, (name, number, answer)
PYTHON
echo "as described"
