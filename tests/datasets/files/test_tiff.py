"""TIFF files written by tifffile, and by Pillow, in every kind of number, layout and polarity."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.files.maps import read_disparity
from bokehbench.datasets.files.pictures import read_picture

SHARES = np.random.default_rng(3).random((24, 40))
"""Values in [0,1]."""

FLOATS = ("float16", "float32", "float64")
WHOLE = ("uint8", "uint16", "uint32", "int16", "int32")


def stored(kind: str) -> np.ndarray:
    """Return the shares as numbers of a kind, whole ones over its whole range."""
    return SHARES.astype(kind) if kind in FLOATS else np.round(SHARES * np.iinfo(kind).max).astype(kind)


def expected(kind: str) -> np.ndarray:
    values = stored(kind).astype(np.float64)
    return values if kind in FLOATS else values / np.iinfo(kind).max


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"byteorder": ">"},
        {"tile": (16, 16)},
        {"rowsperstrip": 5, "compression": "zlib", "predictor": True},
        {"compression": "lzw", "predictor": True},
        {"compression": "zstd"},
        {"bigtiff": True},
    ],
    ids=["plain", "big endian", "tiled", "deflate", "lzw", "zstd", "BigTIFF"],
)
@pytest.mark.parametrize("polarity", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("kind", FLOATS + WHOLE)
def test_every_depth_and_both_polarities(tmp_path, kind, polarity, layout) -> None:
    path = tmp_path / "disparity.tif"
    tifffile.imwrite(path, stored(kind), photometric=polarity, **layout)
    values = expected(kind)
    tolerance = 1e-3 if kind == "float16" else 1e-6
    np.testing.assert_allclose(
        read_disparity(path), values if polarity == "minisblack" else 1.0 - values, atol=tolerance
    )


@pytest.mark.parametrize("polarity", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float16", "float32"])
def test_a_picture_has_the_polarity_of_a_map(tmp_path, kind, polarity) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stored(kind), photometric=polarity)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif")[..., 2], read_disparity(tmp_path / "a.tif"))


def test_one_bit_has_both_polarities_too(tmp_path) -> None:
    bits = SHARES > 0.5
    for polarity in ("minisblack", "miniswhite"):
        tifffile.imwrite(tmp_path / "a.tif", bits, photometric=polarity)
        np.testing.assert_array_equal(read_disparity(tmp_path / "a.tif"), bits == (polarity == "minisblack"))


def test_floats_without_a_white_have_no_inverse(tmp_path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", SHARES.astype(np.float32) * 40.0, photometric="miniswhite")
    with pytest.raises(DamagedDataError, match=r"a\.tif: floats where zero is white, in \[.*\]: expected \[0, 1\]"):
        read_disparity(tmp_path / "a.tif")


@pytest.mark.parametrize("polarity", ["minisblack", "miniswhite"])
def test_small_numbers_in_32_bits_are_no_shares_of_their_range(tmp_path, polarity) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stored("uint8").astype(np.uint32), photometric=polarity)
    with pytest.raises(DamagedDataError, match="32-bit whole numbers of up to 25"):
        read_disparity(tmp_path / "a.tif")


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colours_in_planes_or_side_by_side(tmp_path, planar) -> None:
    rgb = np.random.default_rng(0).random((24, 40, 3)).astype(np.float16)
    data = rgb if planar == "contig" else np.moveaxis(rgb, 2, 0)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", planarconfig=planar)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif"), rgb.astype(np.float32))


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
def test_alpha_is_judged_at_every_depth(tmp_path, kind, alpha) -> None:
    white = 1 if kind == "float32" else np.iinfo(kind).max
    rgba = np.full((6, 8, 4), white, kind)
    rgba[..., 0] = rgba[..., 0] // 3
    tifffile.imwrite(tmp_path / "a.tif", rgba, photometric="rgb", extrasamples=[alpha])
    assert read_picture(tmp_path / "a.tif").shape == (6, 8, 3)
    rgba[2, 3, 3] = 0
    tifffile.imwrite(tmp_path / "a.tif", rgba, photometric="rgb", extrasamples=[alpha])
    with pytest.raises(DamagedDataError, match="transparent"):
        read_picture(tmp_path / "a.tif")


def test_palettes_cmyk_and_jpeg_are_read_as_pictures(tmp_path) -> None:
    red = Image.new("RGB", (32, 24), (255, 0, 0))
    red.quantize(4).save(tmp_path / "palette.tif")
    red.convert("CMYK").save(tmp_path / "cmyk.tif")
    red.save(tmp_path / "jpeg.tif", compression="jpeg")
    for name in ("palette.tif", "cmyk.tif", "jpeg.tif"):
        np.testing.assert_allclose(read_picture(tmp_path / name)[2, 3], [1.0, 0.0, 0.0], atol=0.02)


def test_thumbnails_are_passed_over_and_several_images_refused(tmp_path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(stored("uint16"), photometric="minisblack")
        file.write(stored("uint16")[::4, ::4], photometric="minisblack", subfiletype=1)
    np.testing.assert_allclose(read_disparity(tmp_path / "a.tif"), expected("uint16"), atol=1e-6)
    tifffile.imwrite(tmp_path / "b.tif", np.stack([SHARES, SHARES]), photometric="minisblack")
    with pytest.raises(DamagedDataError, match=r"b\.tif: holds 2 images"):
        read_disparity(tmp_path / "b.tif")


def test_absent_strips_are_no_zeros(tmp_path, capfd) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stored("float32"), rowsperstrip=4)
    with tifffile.TiffFile(path, mode="r+") as file:
        counts = file.pages[0].tags["StripByteCounts"]
        counts.overwrite([*counts.value[:-1], 0])
    with pytest.raises(DamagedDataError, match="5 of its 6 strips or tiles are there"):
        read_disparity(path)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(DamagedDataError, match=r"a\.tif: "):
        read_disparity(path)
    assert capfd.readouterr().err == ""


def test_a_claimed_size_is_refused_before_it_is_allocated(tmp_path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stored("uint8"))
    with tifffile.TiffFile(path, mode="r+") as file:
        for tag in ("ImageWidth", "ImageLength"):
            file.pages[0].tags[tag].overwrite(65536)
    with pytest.raises(DamagedDataError, match="65536x65536 px, 1 channels: up to 178 megapixels are read"):
        read_disparity(path)


def test_values_that_mean_no_data_are_no_disparities(tmp_path) -> None:
    values = np.where(SHARES > 0.9, -9999.0, SHARES).astype(np.float32)
    nodata = [(42113, "s", 0, "-9999", True)]
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", extratags=nodata)
    with pytest.raises(DamagedDataError, match=r"a\.tif: \d+ values are -9999, its mark for no data"):
        read_disparity(tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "b.tif", SHARES.astype(np.float32), photometric="minisblack", extratags=nodata)
    np.testing.assert_array_equal(read_disparity(tmp_path / "b.tif"), SHARES.astype(np.float32))


@pytest.mark.parametrize("around", [{}, {"compression": "deflate"}, {"compression": "zstd"}])
@pytest.mark.parametrize("layout", [{}, {"tile": (32, 32)}, {"rowsperstrip": 8}])
def test_holes_that_lerc_hides_are_no_zeros(tmp_path, around, layout) -> None:
    """tifffile reads 0 where the mask of a LERC map says that there is no value."""
    values = np.linspace(0.0, 1.0, 70 * 90, dtype=np.float32).reshape(70, 90)
    lerc = {"photometric": "minisblack", "compression": "lerc", "compressionargs": around} | layout
    tifffile.imwrite(tmp_path / "whole.tif", values, **lerc)
    np.testing.assert_array_equal(read_disparity(tmp_path / "whole.tif"), values)
    values[30:35, 85:] = np.nan
    tifffile.imwrite(tmp_path / "holes.tif", values, **lerc)
    with pytest.raises(DamagedDataError, match=r"holes\.tif: 25 pixels have no value, by LERC's mask: fill the holes"):
        read_disparity(tmp_path / "holes.tif")


def test_a_palette_that_nobody_reads_is_named(tmp_path) -> None:
    palette = np.tile(np.arange(65536).astype(np.uint16), (3, 1))
    tifffile.imwrite(tmp_path / "a.tif", stored("uint16"), photometric="palette", colormap=palette)
    with pytest.raises(DamagedDataError, match=r"a\.tif: cannot be read: palette of 16 bits: save grey or RGB"):
        read_picture(tmp_path / "a.tif")
