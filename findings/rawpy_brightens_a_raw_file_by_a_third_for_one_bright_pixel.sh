#!/usr/bin/env bash
# rawpy (LibRaw): linear output is brightened by up to a third where the brightest sample lies above 3/4 of white.
#
# Guess before running it: with a linear curve, no automatic brightening and fixed multipliers, values are samples less
# black over white less black, so two frames of a tripod, at f/2 and f/16, compare in linear light.
# Seen with rawpy 0.28.0 (LibRaw 0.22.2, Linux x86_64), `postprocess(gamma=(1, 1), no_auto_bright=True, output_bps=16,
# user_wb=[1, 1, 1, 1], output_color=raw)` of a DNG of white level 16383, all of it 4000 (16001 of 65535) but for a lamp
# of 20x20 px: what all the rest comes out as, and the lamp
#   lamp    8000   12287  12288  13000  14000  15000  16383
#   rest   16000   16000  21333  20164  18724  17476  16000
#   lamp   32001   49150  65535  65535  65534  65535  65535
# From 3/4 of white on, the brightest sample becomes the white level. So of two frames the one whose highlights are
# spread by the lens, or a little underexposed, can be 1.33 times as bright as the other, in all its pixels, and a lamp
# that is not clipped comes out as white. One such pixel is enough. `adjust_maximum_thr=0` gives 16000 everywhere.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet rawpy==0.28.0 tifffile==2026.3.3 numpy==2.4.6
"$work/venv/bin/python" - "$work/frame.dng" <<'PYTHON'
import sys

import numpy as np
import rawpy
import tifffile

WHITE, LEVEL = 16383, 4000
XYZ_TO_SRGB = (3.2405, -1.5371, -0.4985, -0.9693, 1.8760, 0.0416, 0.0556, -0.2040, 1.0572)


def write_dng(path, samples):
    """Write samples (H,W) behind a Bayer pattern as a DNG whose camera sees linear sRGB."""
    matrix = [number for value in XYZ_TO_SRGB for number in (round(value * 10000), 10000)]
    tags = (  # code, type, count, value
        (50706, "B", 4, (1, 4, 0, 0)),  # DNG version
        (50708, "s", 0, "Test Camera"),
        (271, "s", 0, "Test"),
        (272, "s", 0, "Camera"),
        (33421, "H", 2, (2, 2)),  # size and colours of the pattern
        (33422, "B", 4, (0, 1, 1, 2)),
        (50710, "B", 3, (0, 1, 2)),
        (50711, "H", 1, 1),
        (50714, "H", 1, 0),  # black
        (50717, "I", 1, WHITE),
        (50721, "2i", 9, matrix),
        (50728, "2I", 3, (1, 1) * 3),  # as-shot neutral
        (50778, "H", 1, 21),  # D65
    )
    tags = [(*tag, True) for tag in tags]
    tifffile.imwrite(path, samples, photometric=32803, extratags=tags, metadata=None, software=None)


def develop(path, **options):
    """Return linear 16-bit camera colours (H,W,3) of a raw file."""
    with rawpy.imread(path) as raw:
        assert raw.white_level == WHITE and raw.black_level_per_channel == [0] * 4
        raw_colours = rawpy.ColorSpace.raw
        linear = {"gamma": (1, 1), "no_auto_bright": True, "output_bps": 16, "user_wb": [1.0] * 4}
        return raw.postprocess(**linear, output_color=raw_colours, **options)


print("rawpy", rawpy.__version__, "LibRaw", ".".join(map(str, rawpy.libraw_version)))
expected = LEVEL / WHITE * 65535
for size in (20, 1):
    for lamp in (8000, 12287, 12288, 13000, 14000, 15000, WHITE):
        samples = np.full((200, 300), LEVEL, np.uint16)
        samples[90 : 90 + size, 140 : 140 + size] = lamp
        write_dng(sys.argv[1], samples)
        usual, fixed = develop(sys.argv[1]), develop(sys.argv[1], adjust_maximum_thr=0.0)
        rest, centre = usual[20, 20].astype(float), usual[90 + size // 2, 140 + size // 2]
        print(f"lamp {lamp} of {size} px: rest {rest}, lamp {centre}; without threshold {fixed[20, 20]}")
        factor = WHITE / lamp if lamp > 0.75 * WHITE else 1
        assert np.abs(rest / (expected * factor) - 1).max() < 2e-3
        assert np.abs(fixed[20, 20] / expected - 1).max() < 2e-3
        if size == 20:
            assert abs(centre.max() - lamp / WHITE * 65535 * factor) < 20
PYTHON
echo "as described"
