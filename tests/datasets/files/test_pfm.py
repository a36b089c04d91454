"""Portable float maps written by hand, byte for byte as the format says."""

import numpy as np
import pytest

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.files.maps import read_disparity
from bokehbench.datasets.files.pictures import read_picture

from ...map_files import write_pfm

VALUES = np.arange(20, dtype=np.float32).reshape(4, 5) / 3.0


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b" "])
@pytest.mark.parametrize("scale", ["-1.0", "1", "-0.003922", "255.0"])
def test_both_byte_orders_are_read_from_the_bottom_up_and_never_scaled(tmp_path, scale, newline) -> None:
    path = tmp_path / "disparity.pfm"
    write_pfm(path, VALUES, scale, newline=newline)
    np.testing.assert_array_equal(read_disparity(path), VALUES)


def test_three_equal_channels_are_one_and_differing_ones_refused(tmp_path) -> None:
    path = tmp_path / "a.pfm"
    write_pfm(path, np.repeat(VALUES[..., None], 3, axis=2), magic=b"PF")
    np.testing.assert_array_equal(read_disparity(path), VALUES)
    write_pfm(path, np.stack([VALUES, VALUES + 1.0, VALUES], axis=2), magic=b"PF")
    with pytest.raises(DamagedDataError, match="expected one channel of disparity, got 4x5x3"):
        read_disparity(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Pf\n5 4\n-1.0\n" + bytes(79), "truncated or damaged: expected 80 bytes of pixels, got 79"),
        (b"Pf\n5 4\n-1.0\n" + bytes(81), "expected 80 bytes of pixels, got 81"),
        (b"Pf\n70000 70000\n-1.0\n" + bytes(80), "70000x70000 px, 1 channels: up to 178 megapixels"),
        (b"Pf\n0 4\n-1.0\n", "holds no pixels"),
        (b"Pf\n5 4\n0.0\n" + bytes(80), "expected the lines"),
        (b"Pf\n5 4\nnan\n" + bytes(80), "expected the lines"),
        (b"Pf\n", "expected the lines"),
    ],
)
def test_what_is_wrong_with_one_is_said(tmp_path, content, message) -> None:
    path = tmp_path / "a.pfm"
    path.write_bytes(content)
    with pytest.raises(DamagedDataError, match=rf"a\.pfm: .*{message}"):
        read_disparity(path)


def test_holes_are_counted(tmp_path) -> None:
    """Middlebury marks what it does not know by infinity."""
    holed = VALUES.copy()
    holed[2, 3:] = np.inf
    write_pfm(tmp_path / "a.pfm", holed)
    with pytest.raises(DamagedDataError, match="2 values are NaN or infinite, the first at column 3, row 2: fill"):
        read_disparity(tmp_path / "a.pfm")


def test_it_is_no_picture(tmp_path) -> None:
    write_pfm(tmp_path / "image.pfm", VALUES / 10.0)
    with pytest.raises(DamagedDataError, match=r"cannot be read as a picture: readable: \.png"):
        read_picture(tmp_path / "image.pfm")
