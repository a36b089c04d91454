#!/usr/bin/env bash
# JPEG XL: every lossy setting cuts float maps off at -0.0038, so half of a signed disparity or defocus map is lost.
#
# Guess before running it: floats are coded as they are, negative ones too, and `distance` says how far they may be off.
# Seen with libjxl 0.11.2 in imagecodecs 2026.3.6 (Linux x86_64): what is above 0 comes back within 0.0002 of a ramp to 2 at
# distance 0.01, 0.009 at distance 1. All below comes back as -0.0038, whatever the distance, the number of channels and the
# unit (from -0.02, -2 or -200). -0.0037931 is the constant that the codec's colour space, made for light, adds before its
# cube root. `level=100`, the best, is such a setting; without a level or distance every bit is kept.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet imagecodecs==2026.3.6 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import imagecodecs
import numpy as np

LEAST = -0.0037931
RAMP = np.tile(np.linspace(-2, 2, 96, dtype=np.float32), (64, 1))
SETTINGS = ({"distance": 0.01}, {"distance": 0.1}, {"distance": 1.0}, {"distance": 4.0}, {"level": 90}, {"level": 100})


def return_trip(values, **settings):
    """Return what a float32 map comes back as."""
    found = imagecodecs.jpegxl_decode(imagecodecs.jpegxl_encode(values, **settings))
    assert found.dtype == np.float32 and found.shape == values.shape
    return found


print(imagecodecs.jpegxl_version())
maps = {"one channel": RAMP, "three channels": np.dstack([RAMP] * 3), "x 100": 100 * RAMP, "x 0.01": 0.01 * RAMP}
for name, values in maps.items():
    for settings in SETTINGS:
        found = return_trip(values, **settings)
        above = np.abs(found - values)[values > 0].max() / values.max()
        print(f"{name}, {settings}: least {values.min():g} -> {found.min():.7f}, above 0 off by {above:.2%} of the most")
        assert abs(found.min() - LEAST) < 1e-6 and above < 0.06
        assert np.abs(found[values < 2 * LEAST] - LEAST).max() < 1e-3
    assert np.array_equal(return_trip(values), values) and np.array_equal(return_trip(values, lossless=True), values)
PYTHON
echo "as described"
