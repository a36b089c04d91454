"""A file is what its bytes are, whatever its name; transparency is one rule in every kind."""

import os
import struct
import warnings
import zlib

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.files.maps import read_disparity
from bokehbench.datasets.files.pictures import read_picture

HEIGHT, WIDTH = 6, 9


def rgba(alpha: int, holes: bool) -> np.ndarray:
    pixels = np.full((HEIGHT, WIDTH, 4), 100, np.uint8)
    pixels[..., :3] += np.arange(WIDTH, dtype=np.uint8)[:, None]
    pixels[..., 3] = 255
    if holes:
        pixels[2, 3, 3] = alpha
    return pixels


def save_pillow(path, pixels, **options) -> None:
    Image.fromarray(pixels).save(path, **options)


def save_grey_alpha(path, pixels) -> None:
    Image.merge("LA", [Image.fromarray(pixels[..., i]) for i in (0, 3)]).save(path)


def save_palette(path, pixels) -> None:
    """A palette of greys with a transparent entry (tRNS), which is used or not."""
    indices = np.where(pixels[..., 3] < 255, 200, pixels[..., 0])
    image = Image.fromarray(indices.astype(np.uint8))
    image.putpalette(bytes(level for level in range(256) for _ in range(3)))
    image.save(path, transparency=200, optimize=False)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def save_deep_with_transparent_colour(path, pixels, channels) -> None:
    """16-bit PNG with tRNS: one colour is transparent."""
    deep = pixels[..., :channels].astype(np.uint16) * 257
    content = cv2.imencode(".png", deep[..., ::-1] if channels == 3 else deep)[1].tobytes()
    transparent = deep[2, 3] if pixels[..., 3].min() < 255 else np.zeros(channels)
    head = content.index(b"IDAT") - 4
    trns = chunk(b"tRNS", struct.pack(f">{channels}H", *map(int, np.ravel(transparent))))
    path.write_bytes(content[:head] + trns + content[head:])


def save_deep_png(path, pixels) -> None:
    path.write_bytes(cv2.imencode(".png", pixels.astype(np.uint16) * 257)[1].tobytes())


def save_exr(path, pixels) -> None:
    values = (pixels / 255.0).astype(np.float16)
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, {"RGBA": values}).write(
        str(path)
    )


WRITERS = {
    "png": ("a.png", save_pillow),
    "webp": ("a.webp", lambda path, pixels: save_pillow(path, pixels, lossless=True)),
    "tiff of Pillow": ("a.tif", save_pillow),
    "tiff of tifffile": ("a.tif", lambda p, a: tifffile.imwrite(p, a, photometric="rgb", extrasamples=["unassalpha"])),
    "grey and alpha": ("a.png", save_grey_alpha),
    "palette": ("a.png", save_palette),
    "16-bit png": ("a.png", save_deep_png),
    "16-bit png, transparent colour": ("a.png", lambda p, a: save_deep_with_transparent_colour(p, a, 3)),
    "16-bit png, transparent grey": ("a.png", lambda p, a: save_deep_with_transparent_colour(p, a, 1)),
    "npy": ("a.npy", np.save),
    "exr": ("a.exr", save_exr),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_opaque_alpha_is_dropped_and_any_transparency_refused(tmp_path, kind) -> None:
    name, write = WRITERS[kind]
    write(tmp_path / name, rgba(255, holes=False))
    assert read_picture(tmp_path / name).shape == (HEIGHT, WIDTH, 3)
    for alpha in (0, 254):
        write(tmp_path / name, rgba(alpha, holes=True))
        with pytest.raises(DamagedDataError, match="expected an opaque picture, this one is transparent: flatten it"):
            read_picture(tmp_path / name)


def test_a_transparent_map_is_refused_too(tmp_path) -> None:
    pixels = rgba(0, holes=True)
    pixels[..., :3] = np.arange(WIDTH, dtype=np.uint8)[:, None]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with pytest.raises(DamagedDataError, match="transparent"):
        read_disparity(tmp_path / "a.png")


def test_names_do_not_matter(tmp_path) -> None:
    values = np.random.default_rng(0).random((HEIGHT, WIDTH)).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.png", values)
    np.save(tmp_path / "b.npy", values)
    (tmp_path / "b.npy").rename(tmp_path / "b.exr")
    for name in ("a.png", "b.exr"):
        np.testing.assert_array_equal(read_disparity(tmp_path / name), values)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".exr", ".npy", ".npz", ".pfm", ".webp", ".bmp"])
@pytest.mark.parametrize(
    "content", [b"", b"x", b"not a picture\n" * 9, bytes(300)], ids=["empty", "x", "text", "zeros"]
)
def test_other_bytes_are_one_line(tmp_path, suffix, content) -> None:
    path = tmp_path / f"disparity{suffix}"
    path.write_bytes(content)
    for read in (read_picture, read_disparity):
        with pytest.raises(DamagedDataError, match=rf"disparity\{suffix}: ") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_no_program_is_started_for_a_picture(tmp_path) -> None:
    """Pillow hands EPS over to Ghostscript."""
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 6\n%%EndComments\nshowpage\n")
    with pytest.raises(DamagedDataError, match=r"a\.png: cannot be read as a picture: readable: \.png, \.jpg"):
        read_picture(tmp_path / "a.png")


def test_a_named_pipe_does_not_hang(tmp_path) -> None:
    os.mkfifo(tmp_path / "disparity.npy")
    with pytest.raises(DamagedDataError, match="expected a map of disparity, this is a named pipe"):
        read_disparity(tmp_path / "disparity.npy")


def png_of(width: int, height: int) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(20000, 10000), (65536, 65536)])
def test_too_large_a_picture_is_said_with_limit_and_remedy(tmp_path, size) -> None:
    (tmp_path / "a.png").write_bytes(png_of(*size))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(
            DamagedDataError, match=r"a\.png: \d+ megapixels: up to 178 megapixels are read: scale it down"
        ):
            read_picture(tmp_path / "a.png")


def test_a_large_picture_within_the_limit_is_not_warned_of(tmp_path) -> None:
    (tmp_path / "a.png").write_bytes(png_of(10000, 10000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DamagedDataError, match=r"a\.png: cannot be read: .*truncated"):
            read_picture(tmp_path / "a.png")


def test_the_check_sums_of_a_png_file_are_checked(tmp_path) -> None:
    """Pillow decodes pixels without looking at theirs."""
    body = b"".join(b"\0" + bytes([10 * row] * 9) for row in range(6))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 6, 8, 0, 0, 0, 0))
    pixels = bytearray(chunk(b"IDAT", zlib.compress(body, 0)))
    pixels[30] ^= 64
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + bytes(pixels) + chunk(b"IEND", b""))
    with pytest.raises(DamagedDataError, match=r"a\.png: cannot be read: .*checksum"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_of_moving_pictures_no_frame_is_guessed(tmp_path, suffix) -> None:
    frames = [Image.new("RGB", (9, 6), (level, 0, 0)) for level in (10, 200)]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(DamagedDataError, match="holds 2 images: expected one"):
        read_picture(tmp_path / f"a{suffix}")


def test_a_jpeg_file_with_a_second_picture_is_its_first(tmp_path) -> None:
    """Telephones put a thumbnail or a gain map behind the photograph."""
    first, second = Image.new("RGB", (9, 6), (250, 0, 0)), Image.new("RGB", (5, 4))
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second], quality=95)
    np.testing.assert_allclose(read_picture(tmp_path / "a.jpg")[3, 3], [250 / 255, 0, 0], atol=0.02)
