#!/usr/bin/env bash
# OpenImageIO: a PFM map comes upside down, from its own writer too, and multiplied by the size of the file's scale.
#
# Guess before running it: rows come top down, as for every other format, and the values as they are stored; the scale of
# a PFM file is there for its sign, which says the byte order.
# Seen with OpenImageIO 3.2.2.0 (Linux x86_64): ImageBuf(path) and ImageInput.open(path) keep the file's order, in which
# the bottom row comes first, while writing turns rows round; so a map that is written and read again stands on its head,
# with no error. ImageInput.open(path, ImageSpec()), an empty configuration, turns rows round as documented. A file of
# scale -0.5 gives half the stored values, one of scale -0.003922 (Middlebury's) 0.003922 of them; OpenCV divides by that
# number, Pillow ignores it. A disparity map that was read so blurs the wrong half of its photograph by the wrong amount.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet OpenImageIO==3.2.2.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import numpy as np
import OpenImageIO as oiio

print("OpenImageIO", oiio.VERSION_STRING)
rows = np.arange(1, 13, dtype=np.float32).reshape(3, 4)  # the top row is 1 to 4


def read(path):
    """Return what three ways of reading give: a buffer, an input, an input with an empty configuration."""
    inputs = oiio.ImageInput.open(path), oiio.ImageInput.open(path, oiio.ImageSpec())
    found = [oiio.ImageBuf(path).get_pixels(oiio.FLOAT), *(one.read_image(oiio.FLOAT) for one in inputs)]
    return [pixels.reshape(3, 4) for pixels in found]


for scale in (-1.0, -0.5, -0.003922, 0.5):
    order = "<f4" if scale < 0 else ">f4"
    with open("map.pfm", "wb") as file:
        file.write(b"Pf\n4 3\n%g\n" % scale + rows[::-1].astype(order).tobytes())  # bottom row first: the format's order
    buffer, plain, configured = read("map.pfm")
    print(f"scale {scale:g}: top row {rows[0]}: buffer {buffer[0]}, input {plain[0]}, with a configuration {configured[0]}")
    assert np.allclose(buffer, rows[::-1] * abs(scale))
    assert np.allclose(plain, rows[::-1] * abs(scale))
    assert np.allclose(configured, rows * abs(scale))

assert oiio.ImageBuf(rows[..., None].copy()).write("own.pfm")
stored = np.frombuffer(open("own.pfm", "rb").read()[-48:], "<f4").reshape(3, 4)
again = oiio.ImageBuf("own.pfm").get_pixels(oiio.FLOAT).reshape(3, 4)
print(f"written and read again: top row {rows[0]}, then {again[0]}")
assert np.array_equal(stored, rows[::-1])  # a correct file
assert np.array_equal(again, rows[::-1])
PYTHON
echo "as described"
