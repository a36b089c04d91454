"""What is kept of a photograph's file: turned upright, its profile, EXIF, depth of bits and camera."""

import struct

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from bokehbench.photograph.reading import read_photograph

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif_of(orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Make] = orientation, "A camera"
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {ExifTags.Base.FocalLength: 6.8, ExifTags.Base.FocalLengthIn35mmFilm: 24, ExifTags.Base.ExifImageWidth: 56}
    )
    return exif


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_picture_is_upright_and_its_exif_says_so(tmp_path, pixels, suffix):
    Image.fromarray(pixels).save(tmp_path / f"a{suffix}", exif=exif_of(6), icc_profile=SRGB)
    photograph = read_photograph(tmp_path / f"a{suffix}", 2.2)
    assert photograph.pixels.shape == (56, 40, 3)
    exif = Image.Exif()
    exif.load(photograph.exif)
    assert exif[ExifTags.Base.Orientation] == 1
    assert exif[ExifTags.Base.Make] == "A camera"
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] == 40
    assert (photograph.camera.focal_mm, photograph.camera.focal_35mm) == (pytest.approx(6.8), 24)
    assert photograph.profile == SRGB
    assert photograph.bits == 8


def test_texts_of_exif_keep_their_bytes(tmp_path, pixels):
    exif = exif_of(6)
    exif[ExifTags.Base.Copyright] = "© Müller".encode()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAltitude] = 12.0
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif)
    kept = Image.Exif()
    kept.load(read_photograph(tmp_path / "a.jpg", 2.2).exif)
    assert kept[ExifTags.Base.Copyright].encode("latin-1").decode() == "© Müller"
    assert kept.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAltitude] == 12.0


def resolution_as_text(orientation):
    """Return EXIF whose horizontal resolution is the text 72: a tag like any other, which Pillow cannot write again."""
    entries = struct.pack("<HHHI4s", 2, ExifTags.Base.Orientation, 3, 1, struct.pack("<I", orientation))
    entries += struct.pack("<HHI4s", ExifTags.Base.XResolution, 2, 3, b"72\0")
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + entries + struct.pack("<I", 0)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_exif_with_values_of_another_type_is_left_out_and_that_is_said(tmp_path, pixels, suffix):
    Image.fromarray(pixels).save(tmp_path / f"a{suffix}", exif=resolution_as_text(6))
    photograph = read_photograph(tmp_path / f"a{suffix}", 2.2)
    assert photograph.pixels.shape == (56, 40, 3)
    assert photograph.exif is None
    assert photograph.remarks == ("its EXIF is damaged and left out",)


def test_exif_that_is_cut_off_keeps_what_is_before(tmp_path, pixels, recwarn):
    whole = resolution_as_text(6)
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=whole[:-16])
    photograph = read_photograph(tmp_path / "a.jpg", 2.2)
    kept = Image.Exif()
    kept.load(photograph.exif)
    assert kept[ExifTags.Base.Orientation] == 1
    assert ExifTags.Base.XResolution not in kept
    assert photograph.pixels.shape == (56, 40, 3)
    assert photograph.remarks == ("its EXIF is damaged: what can be read of it is kept",)
    assert not recwarn.list


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_exif_that_is_none_costs_no_picture(tmp_path, pixels, suffix):
    Image.fromarray(pixels).save(tmp_path / f"a{suffix}", exif=b"Exif\0\0nothing of the kind")
    photograph = read_photograph(tmp_path / f"a{suffix}", 2.2)
    assert photograph.pixels.shape == (40, 56, 3)
    assert (photograph.exif, photograph.remarks) == (None, ("its EXIF is damaged and left out",))


def test_sixteen_bits_are_seen(tmp_path, pixels):
    cv2.imwrite(str(tmp_path / "a.png"), pixels.astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "a.tif"), pixels.astype(np.uint16) * 257)
    for name in ("a.png", "a.tif"):
        photograph = read_photograph(tmp_path / name, 2.2)
        assert (photograph.bits, photograph.profile, photograph.exif) == (16, None, None)


@pytest.mark.parametrize(
    ("profile", "remark"),
    [
        (SRGB[:16] + b"GRAY" + SRGB[20:], "its GRAY colours became RGB, without their profile"),
        (SRGB[:200], "its colour profile is damaged and left out: sRGB is taken for granted"),
    ],
)
def test_a_profile_that_cannot_stay_is_left_out_and_that_is_said(tmp_path, pixels, profile, remark):
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=profile)
    photograph = read_photograph(tmp_path / "a.png", 2.2)
    assert photograph.profile is None
    assert photograph.remarks == (remark,)


def test_a_heic_photograph_keeps_its_camera(tmp_path, pixels):
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.fromarray(pixels)).save(tmp_path / "a.heic", exif=exif_of(1).tobytes())
    photograph = read_photograph(tmp_path / "a.heic", 2.2)
    assert photograph.camera.focal_35mm == 24
    assert photograph.remarks == ()


def test_a_heic_photograph_of_ten_bits_says_that_eight_are_left(tmp_path, pixels, monkeypatch):
    heif = pytest.importorskip("pillow_heif")
    monkeypatch.setattr(heif.options, "SAVE_HDR_TO_12_BIT", False)
    deep = pixels.astype(np.uint16) * 257
    heif.from_bytes("RGB;16", deep.shape[1::-1], deep.tobytes()).save(tmp_path / "a.heic")
    photograph = read_photograph(tmp_path / "a.heic", 2.2)
    assert (photograph.bits, photograph.remarks) == (8, ("its 10 bits a sample became 8",))
