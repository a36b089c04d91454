import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from bokehbench.core.errors import DamagedDataError, MissingDataError
from bokehbench.datasets.files.exr import write_exr
from bokehbench.datasets.files.pictures import read_picture

ORIENTATIONS = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: np.rot90,
}
"""What each EXIF orientation asks a viewer to do with the stored rows."""


@pytest.fixture
def levels() -> np.ndarray:
    """Random colours (6,9,3), 16 bit."""
    return np.random.default_rng(0).integers(0, 65536, (6, 9, 3), np.uint16)


def save_deep(path, pixels) -> None:
    """Write RGB or grey at its own bit depth, whatever the file's name."""
    encoded = cv2.imencode(path.suffix, pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1]
    path.write_bytes(encoded.tobytes())


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".webp"])
def test_eight_bit_files_are_read_exactly(tmp_path, levels, suffix) -> None:
    pixels = (levels >> 8).astype(np.uint8)
    path = tmp_path / f"picture{suffix}"
    Image.fromarray(pixels).save(path, **({"lossless": True} if suffix == ".webp" else {}))
    found = read_picture(path)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, pixels / 255.0, atol=1e-7)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_are_kept(tmp_path, levels, suffix) -> None:
    path = tmp_path / f"picture{suffix}"
    save_deep(path, levels)
    np.testing.assert_allclose(read_picture(path), levels / 65535.0, atol=1e-7)


def test_float_files_are_read_exactly(tmp_path, levels) -> None:
    pixels = (levels / 65535.0).astype(np.float32)
    np.save(tmp_path / "a.npy", pixels)
    save_deep(tmp_path / "a.tiff", pixels)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.npy"), pixels)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tiff"), pixels)


def test_exr_is_linear_light_and_may_exceed_one(tmp_path) -> None:
    linear = np.full((4, 5, 3), 0.25, np.float32)
    linear[0, 0] = 4.0
    write_exr(tmp_path / "a.exr", linear, half=False)
    found = read_picture(tmp_path / "a.exr", gamma=2.0)
    assert found[1, 1, 0] == pytest.approx(0.5)
    assert found[0, 0, 2] == pytest.approx(2.0)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("kind", ["8-bit png", "16-bit png", "tiff", "jpeg"])
def test_pictures_are_turned_upright(tmp_path, orientation, kind) -> None:
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[:8, :8] = (255, 0, 0)
    pixels[8:, 16:] = (0, 0, 255)
    path = tmp_path / f"a.{kind.split()[-1]}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    if kind == "16-bit png":
        save_deep(path, pixels.astype(np.uint16) * 257)
        path.write_bytes(_with_png_exif(path.read_bytes(), exif.tobytes()[6:]))
    else:
        Image.fromarray(pixels).save(path, exif=exif, **({"quality": 100, "subsampling": 0} if kind == "jpeg" else {}))
    expected = ORIENTATIONS[orientation](pixels) / 255.0
    np.testing.assert_allclose(read_picture(path), expected, atol=0.02)


def _with_png_exif(png: bytes, exif: bytes) -> bytes:
    """Put an eXIf chunk behind the header of a PNG file."""
    body = b"eXIf" + exif
    chunk = len(exif).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return png[:33] + chunk + png[33:]


def test_grey_pictures_get_equal_channels(tmp_path) -> None:
    pixels = np.arange(20, dtype=np.uint8).reshape(4, 5)
    Image.fromarray(pixels).save(tmp_path / "grey.png")
    save_deep(tmp_path / "deep.png", pixels.astype(np.uint16) * 257)
    for name in ("grey.png", "deep.png"):
        found = read_picture(tmp_path / name)
        assert found.shape == (4, 5, 3)
        np.testing.assert_allclose(found[..., 1], pixels / 255.0, atol=1e-7)


def test_opaque_alpha_is_dropped_and_transparency_refused(tmp_path) -> None:
    pixels = np.full((4, 5, 4), 200, np.uint8)
    pixels[..., 3] = 255
    Image.fromarray(pixels).save(tmp_path / "opaque.png")
    assert read_picture(tmp_path / "opaque.png").shape == (4, 5, 3)
    pixels[0, 0, 3] = 254
    Image.fromarray(pixels).save(tmp_path / "glass.png")
    with pytest.raises(DamagedDataError, match=r"glass\.png: .*transparent"):
        read_picture(tmp_path / "glass.png")


def test_palette_and_cmyk_pictures_become_rgb(tmp_path) -> None:
    red = Image.new("RGB", (6, 4), (255, 0, 0))
    red.quantize(4).save(tmp_path / "a.png")
    red.convert("CMYK").save(tmp_path / "a.jpg", quality=98)
    for name in ("a.png", "a.jpg"):
        np.testing.assert_allclose(read_picture(tmp_path / name)[2, 3], [1.0, 0.0, 0.0], atol=0.02)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tiff", ".exr", ".npy"])
def test_truncated_files_are_named(tmp_path, suffix, capfd) -> None:
    big = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    path = tmp_path / f"half{suffix}"
    if suffix == ".npy":
        np.save(path, big)
    elif suffix == ".exr":
        write_exr(path, big / 255.0)
    else:
        Image.fromarray(big).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DamagedDataError, match="half"):
        read_picture(path)
    if suffix != ".exr":  # OpenEXR's library prints, too
        assert capfd.readouterr().err == ""


def test_what_is_no_picture_is_named(tmp_path) -> None:
    (tmp_path / "notes.jpg").write_text("not a picture")
    with pytest.raises(DamagedDataError, match=r"notes\.jpg: cannot be read"):
        read_picture(tmp_path / "notes.jpg")
    with pytest.raises(MissingDataError, match=r"gone\.jpg: expected a picture, found none"):
        read_picture(tmp_path / "gone.jpg")
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(DamagedDataError, match=r"objects\.npy: cannot be read"):
        read_picture(tmp_path / "objects.npy")


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((4, 5, 3), np.nan, np.float32), "NaN or infinite"),
        (np.full((4, 5, 3), 200.0, np.float32), r"in \[0, 1\], got \[200, 200\]"),
        (np.full((4, 5, 3), -0.5, np.float32), r"in \[0, 1\]"),
        (np.zeros((4, 5, 6), np.float32), "got 4x5x6"),
        (np.zeros((4, 5, 3), np.int64), "got int64"),
    ],
)
def test_values_that_make_no_picture_are_refused(tmp_path, pixels, message) -> None:
    np.save(tmp_path / "a.npy", pixels)
    with pytest.raises(DamagedDataError, match=message):
        read_picture(tmp_path / "a.npy")
