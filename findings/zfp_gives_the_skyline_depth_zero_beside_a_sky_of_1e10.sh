#!/usr/bin/env bash
# zfp: where the sky is 1e10, depth maps of float32 have a skyline of depth 0, whatever tolerance was asked for.
#
# Guess before running it: the accuracy mode holds an absolute tolerance for every value, or refuses; far values cost
# room, not precision.
# Seen with zfpy 1.0.1.post0, imagecodecs 2026.3.6 (zfp 1.0.1) and hdf5plugin 7.1.0 (Linux x86_64), a slope of 2.1 to
# 3.7 m under a wavy skyline, tolerance 0.001 m. Off by at most, beside a sky of
#   sky                                      1e4      65504    1e6      1e8      1e9      1e10
#   zfp, float32 (the three programs alike)  0.0003   0.0004   0.0064   1.1      6.0      3.5
#   zfp, the same values as float64          0.0003 for each
#   SZ3, SPERR, LERC, float32                0.001 or less for each
# A block of 4x4 px has one exponent and 30 bits for float32: beside 1e10 a bit is worth 16 m, and what is less becomes
# 0. Of the pixels at the skyline 89 % are 0 then, the nearest depth there is, up to 3 px from the sky; beside 1e9 they
# are -3 to 5 m. It is the same at tolerances of 0.0001 and 1. zfp's manual says that no tolerance below the machine
# epsilon of a block's largest value can be had; nothing is raised. The sky comes back exactly, so that a test for it
# finds nothing. Exact or within the tolerance: zfp's reversible mode, float64, a sky up to 65504, disparity with 0 for
# the sky. (The manual excludes infinite values but for the reversible mode.)
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet zfpy==1.0.1.post0 imagecodecs==2026.3.6 hdf5plugin==7.1.0 h5py==3.16.0 \
    numpy==2.4.6 scipy==1.17.1
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import h5py
import hdf5plugin
import imagecodecs
import numpy as np
import zfpy
from scipy.ndimage import distance_transform_cdt

TOLERANCE = 0.001
row, column = np.mgrid[:96, :128].astype(np.float32)
depth = (2 + 0.01 * column + 0.005 * row).astype(np.float32)
sky = row < 30 + 8 * np.sin(column / 9)


def imagecodecs_zfp(map_m, tolerance=TOLERANCE):
    """Return what zfp makes of a map, by imagecodecs."""
    return imagecodecs.zfp_decode(imagecodecs.zfp_encode(map_m, level=tolerance, mode="accuracy"))


def hdf5_zfp(map_m):
    """Return what zfp makes of a map in an HDF5 file."""
    with h5py.File("map.h5", "w") as file:
        file.create_dataset("depth", data=map_m, chunks=map_m.shape, **hdf5plugin.Zfp(accuracy=TOLERANCE))
    with h5py.File("map.h5") as file:
        return file["depth"][:]


def sz3(map_m):
    """Return what SZ3 makes of a map."""
    encoded = imagecodecs.sz3_encode(map_m, mode=imagecodecs.SZ3.MODE.ABS, abs=TOLERANCE)
    return imagecodecs.sz3_decode(encoded, shape=map_m.shape, dtype=map_m.dtype)


ZFP = {
    "zfpy": lambda map_m: zfpy.decompress_numpy(zfpy.compress_numpy(map_m, tolerance=TOLERANCE)),
    "imagecodecs zfp": imagecodecs_zfp,
    "hdf5plugin Zfp": hdf5_zfp,
}
OTHERS = {
    "zfp as float64": lambda map_m: imagecodecs_zfp(map_m.astype(float)),
    "SZ3": sz3,
    "SPERR": lambda map_m: imagecodecs.sperr_decode(imagecodecs.sperr_encode(map_m, level=TOLERANCE, mode="pwe")),
    "LERC": lambda map_m: imagecodecs.lerc_decode(imagecodecs.lerc_encode(map_m, level=TOLERANCE)),
}
SEEN = {100: 0.0002, 1000: 0.0002, 1e4: 0.0002, 65504: 0.0004, 1e6: 0.0064, 1e8: 1.1, 1e9: 6.02, 1e10: 3.465}


def error(made, map_m):
    """Return how far the ground is off, in m."""
    return np.abs(made.astype(float) - map_m)[~sky].max()


print(imagecodecs.zfp_version(), imagecodecs.sz3_version(), imagecodecs.sperr_version(), imagecodecs.lerc_version())
for far, seen in SEEN.items():
    map_m = np.where(sky, np.float32(far), depth)
    for name, codec in ZFP.items():
        made = codec(map_m)
        near, deep = made[~sky].min(), made[~sky].max()
        print(f"sky {far:g}, {name}: off by {error(made, map_m):.2g}, ground {near:.3g} to {deep:.3g} m")
        if far < 1e5:
            assert error(made, map_m) < TOLERANCE
        else:
            assert abs(error(made, map_m) / seen - 1) < 0.05 and np.array_equal(made[sky], map_m[sky])
    assert (imagecodecs_zfp(map_m)[~sky].min() == -3) == (far == 1e9)
    for name, codec in OTHERS.items():
        assert error(codec(map_m), map_m) <= (0.0003 if name.startswith("zfp") else TOLERANCE * 1.001), name
    assert np.array_equal(zfpy.decompress_numpy(zfpy.compress_numpy(map_m)), map_m)

made = imagecodecs_zfp(map_m)
reach = distance_transform_cdt(~sky, "chessboard")
lost = (made == 0) & ~sky
share = lost[reach == 1].mean()
print(f"sky 1e10: {share:.0%} of the pixels at the skyline are 0, up to {reach[lost].max()} px from it")
assert 0.85 < share < 0.92 and reach[lost].max() == 3
for tolerance in (1e-4, 1.0):
    print(f"tolerance {tolerance:g}: off by {error(imagecodecs_zfp(map_m, tolerance), map_m):.3g}")
    assert np.array_equal(imagecodecs_zfp(map_m, tolerance) == 0, lost)
disparity = np.where(sky, 0, 1 / depth).astype(np.float32)
assert np.abs(imagecodecs_zfp(disparity) - disparity).max() < TOLERANCE
PYTHON
echo "as described"
