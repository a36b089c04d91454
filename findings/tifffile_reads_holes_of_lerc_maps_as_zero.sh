#!/usr/bin/env bash
# tifffile: the holes (NaN) of a depth map in a LERC TIFF are read as 0, in its own files and in GDAL's.
#
# Guess before running it: a float map without loss comes back as it was, NaN too; two readers give the same.
# Seen with tifffile 2026.3.3, imagecodecs 2026.3.6 (LERC 4.0.0) and rasterio 1.4.4 (GDAL 3.10.3, Linux x86_64), a slope
# of 2 to 3.7 m with a hole of NaN, written without loss or to 0.001 m, in strips or tiles:
#   written by                                 read by tifffile, imageio, scikit-image    by rasterio
#   tifffile, compression="lerc"               0                                          NaN
#   rasterio, LERC, LERC_DEFLATE, LERC_ZSTD    0                                          NaN
#   tifffile with zlib, rasterio with ZSTD     NaN                                        NaN
# No warning appears. LERC has no NaN: its encoder moves it into a mask of valid pixels, its decoder hands out values
# and mask. GDAL puts NaN back where the mask says so, tifffile takes the values alone; imagecodecs.lerc_decode(..,
# masks=True) has both. A depth of 0 is the nearest there is, a disparity of 0 the farthest, and both pass a test for
# NaN: where 12 % of a true disparity are holes, the least-squares scale of a perfect estimate is 0.38 for 0.50, so that
# blur radii are 0.76 of what they should be.
#
# Installs the pinned packages in a temporary folder and fails if the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet tifffile==2026.3.3 imagecodecs==2026.3.6 rasterio==1.4.4 scikit-image==0.26.0 \
    imageio==2.38.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import warnings

import imagecodecs
import imageio.v3
import numpy as np
import rasterio
import skimage.io
import tifffile

warnings.simplefilter("error")
warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
row, column = np.mgrid[:96, :128].astype(np.float32)
depth = (2 + 0.01 * column + 0.005 * row).astype(np.float32)
hole = (abs(row - 35) < 15) & (abs(column - 55) < 25)
depth[hole] = np.nan


def write_rasterio(**options):
    """Write the map by GDAL."""
    shape = {"width": depth.shape[1], "height": depth.shape[0], "count": 1, "dtype": "float32"}
    with rasterio.open("map.tif", "w", driver="GTiff", **shape, **options) as file:
        file.write(depth, 1)


def write_tifffile(**options):
    """Write the map by tifffile."""
    tifffile.imwrite("map.tif", depth, **options)


def read_rasterio():
    """Return the map as GDAL reads it."""
    with rasterio.open("map.tif") as file:
        return file.read(1)


READERS = {
    "tifffile": lambda: tifffile.imread("map.tif"),
    "imageio": lambda: imageio.v3.imread("map.tif"),
    "scikit-image": lambda: skimage.io.imread("map.tif"),
    "rasterio": read_rasterio,
}
TILES = {"tiled": True, "blockxsize": 32, "blockysize": 32}
WRITERS = [
    (write_tifffile, {"compression": "lerc"}),
    (write_tifffile, {"compression": "lerc", "tile": (32, 32)}),
    (write_tifffile, {"compression": "lerc", "compressionargs": {"level": 0.001}}),
    (write_rasterio, {"compress": "LERC"}),
    (write_rasterio, {"compress": "LERC", "nodata": np.nan}),
    (write_rasterio, {"compress": "LERC_DEFLATE", **TILES}),
    (write_rasterio, {"compress": "LERC_ZSTD", "MAX_Z_ERROR": 0.001}),
    (write_tifffile, {"compression": "zlib"}),
    (write_rasterio, {"compress": "ZSTD"}),
]
print("tifffile", tifffile.__version__, imagecodecs.lerc_version(), "GDAL", rasterio.__gdal_version__)
for write, options in WRITERS:
    write(**options)
    holes = {}
    for name, read in READERS.items():
        made = read()
        assert made.dtype == np.float32 and np.abs(made - depth)[~hole].max() <= 0.001
        holes[name] = np.unique(made[hole]).item()
    print(write.__name__, options, "- the hole is read as", holes)
    lost = 0 if "lerc" in str(options).lower() else np.nan
    assert np.isnan(holes.pop("rasterio"))
    np.testing.assert_equal(list(holes.values()), [lost] * 3)

values, valid = imagecodecs.lerc_decode(imagecodecs.lerc_encode(depth), masks=True)
assert (values[hole] == 0).all() and np.array_equal(valid, ~hole)

whole = 1 / (2 + 0.01 * column + 0.005 * row)
for compression in ("zlib", "lerc"):
    tifffile.imwrite("map.tif", np.where(hole, np.nan, whole).astype(np.float32), compression=compression)
    truth = tifffile.imread("map.tif")
    known = np.isfinite(truth)
    scale, shift = np.polyfit(2 * whole[known] - 0.2, truth[known], 1)
    print(f"{compression}: {hole.mean():.0%} holes, truth = {scale:.3f} of the estimate + {shift:.3f}")
    np.testing.assert_allclose((scale, shift), (0.5, 0.1) if compression == "zlib" else (0.381, 0.118), atol=0.001)
PYTHON
echo "as described"
