"""What is written is read back the same: pixels, bits, profile, EXIF."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.photograph.reading import read_photograph
from bokehbench.photograph.writing import as_srgb, check_suffix, write_picture

from .test_reading import SRGB, exif_of


def picture_of(pixels):
    return torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32) / 255.0)


@pytest.mark.parametrize(("name", "bits", "kept"), [("a.png", 16, 16), ("a.png", 8, 8), ("a.tif", 16, 16)])
def test_pixels_come_back(tmp_path, name, bits, kept):
    picture = torch.rand(3, 20, 30, generator=torch.Generator().manual_seed(2))
    assert write_picture(tmp_path / name, picture, bits, SRGB, exif_of(1).tobytes()) == kept
    photograph = read_photograph(tmp_path / name, 2.2)
    np.testing.assert_allclose(photograph.pixels.transpose(2, 0, 1), picture, atol=0.51 / (2**kept - 1))
    assert (photograph.bits, photograph.profile) == (kept, SRGB)
    assert (photograph.exif is not None) == (name == "a.png")


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_lossy_files_have_eight_bits_and_keep_profile_and_exif(tmp_path, name):
    assert write_picture(tmp_path / name, torch.full((3, 16, 16), 0.25), 16, SRGB, exif_of(1).tobytes()) == 8
    photograph = read_photograph(tmp_path / name, 2.2)
    assert float(photograph.pixels.mean()) == pytest.approx(0.25, abs=0.01)
    assert photograph.profile == SRGB
    assert photograph.camera.focal_35mm == 24


def test_a_wide_gamut_is_converted_where_no_profile_can_be_kept(pixels):
    assert np.array_equal(as_srgb(pixels, None), pixels)
    assert np.abs(np.asarray(as_srgb(pixels, SRGB)).astype(int) - pixels).max() <= 2


def test_exif_that_does_not_fit_into_jpeg_is_refused(tmp_path):
    with pytest.raises(InvalidOptionError, match="EXIF has 65534 bytes, JPEG at most 65533: name a "):
        write_picture(tmp_path / "a.jpg", torch.zeros(3, 8, 8), exif=bytes(65534))
    assert not list(tmp_path.iterdir())
    write_picture(tmp_path / "a.jpg", torch.zeros(3, 8, 8), exif=b"Exif\0\0" + bytes(65527))


@pytest.mark.parametrize(("name", "longest"), [("a.jpg", 65500), ("a.JPEG", 65500), ("a.webp", 16383)])
def test_a_picture_that_no_such_file_holds_is_refused(tmp_path, name, longest):
    write_picture(tmp_path / name, torch.zeros(3, 1, longest))
    with pytest.raises(InvalidOptionError, match=f"{longest + 1}x1 px, such a file {longest} a side at most: name a "):
        write_picture(tmp_path / name, torch.zeros(3, 1, longest + 1))


def test_an_unknown_ending_is_refused():
    with pytest.raises(InvalidOptionError, match=r"--output a.psd: expected a name that ends in .png, .jpg"):
        check_suffix(Path("a.psd"), (".png", ".jpg"))
