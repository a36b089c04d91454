"""Depth maps in JPEG files, put together segment by segment as Google's and Adobe's descriptions say."""

import numpy as np
import pytest
from PIL import Image

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.files.maps import read_embedded_disparity

from ...map_files import DESCRIPTION, FAR, HEIGHT, NEAR, SHARES, WIDTH, packet, png, segment, write_gdepth


def read(path, ray_fov=None):
    found = read_embedded_disparity(path, HEIGHT, WIDTH, ray_fov)
    assert found is not None
    return found


@pytest.mark.parametrize("extended", [True, False], ids=["extended XMP", "XMP"])
def test_inverse_range_is_even_in_disparity(tmp_path, extended) -> None:
    write_gdepth(tmp_path / "a.jpg", extended=extended)
    disparity, is_metric = read(tmp_path / "a.jpg")
    depth = FAR * NEAR / (FAR - SHARES * (FAR - NEAR))
    np.testing.assert_allclose(disparity, 1.0 / depth, rtol=1e-5)
    assert is_metric


def test_linear_range_is_even_in_depth_and_millimetres_are_no_metres(tmp_path) -> None:
    write_gdepth(tmp_path / "a.jpg", {**DESCRIPTION, "Format": "RangeLinear", "Near": 500, "Far": 8000, "Units": "mm"})
    np.testing.assert_allclose(read(tmp_path / "a.jpg")[0], 1.0 / (NEAR + SHARES * (FAR - NEAR)), rtol=1e-5)


def test_pieces_in_any_order_are_put_together(tmp_path) -> None:
    write_gdepth(tmp_path / "a.jpg")
    write_gdepth(tmp_path / "b.jpg", tear=lambda pieces: pieces[::-1])
    np.testing.assert_array_equal(read(tmp_path / "a.jpg")[0], read(tmp_path / "b.jpg")[0])


@pytest.mark.parametrize(
    "tear",
    [
        lambda pieces: pieces[:-1],
        lambda pieces: pieces[1:],
        lambda pieces: [],
        lambda pieces: [piece.replace(b"A", b"B") if index == 1 else piece for index, piece in enumerate(pieces)],
    ],
    ids=["last missing", "first missing", "none there", "changed"],
)
def test_what_is_not_the_whole_that_the_md5_names_is_refused(tmp_path, tear) -> None:
    write_gdepth(tmp_path / "a.jpg", tear=tear)
    with pytest.raises(DamagedDataError, match=r"a\.jpg: its embedded depth map cannot be used: .*MD5"):
        read(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("described", "data", "message"),
    [
        ({**DESCRIPTION, "Far": 0.1}, None, "expected 0 < Near < Far, got 0.5, 0.1"),
        ({"Format": "RangeInverse"}, None, "expected 0 < Near < Far, got None"),
        ({**DESCRIPTION, "Near": "near"}, None, "got near"),
        ({**DESCRIPTION, "Format": "Other"}, None, "Format Other"),
        ({**DESCRIPTION, "Units": "furlong"}, None, "Units furlong"),
        (DESCRIPTION, b"no picture", "no whole PNG or JPEG"),
        (DESCRIPTION, png()[:200], "no whole PNG or JPEG"),
        ({**DESCRIPTION, "MeasureType": "OpticRay"}, None, "set depth_ray_fov"),
    ],
)
def test_what_the_description_lacks_is_said(tmp_path, described, data, message) -> None:
    write_gdepth(tmp_path / "a.jpg", described, data, extended=False)
    with pytest.raises(DamagedDataError, match=rf"a\.jpg: .*{message}"):
        read(tmp_path / "a.jpg")


def test_depth_along_the_ray_is_turned_into_depth_along_the_axis(tmp_path) -> None:
    write_gdepth(tmp_path / "a.jpg", {**DESCRIPTION, "MeasureType": "OpticRay"})
    straight, along_ray = read(tmp_path / "a.jpg", ray_fov=60.0)[0], None
    write_gdepth(tmp_path / "b.jpg")
    along_ray = read(tmp_path / "b.jpg")[0]
    ratio = straight / along_ray
    assert ratio[HEIGHT // 2, WIDTH // 2] == pytest.approx(1.0, abs=2e-3)
    assert ratio[HEIGHT // 2, 0] == pytest.approx(1.0 / np.cos(np.radians(30.0)), rel=0.01)


def test_entities_are_refused(tmp_path) -> None:
    write_gdepth(tmp_path / "a.jpg", extended=False)
    content = (tmp_path / "a.jpg").read_bytes()
    bomb = segment(b'http://ns.adobe.com/xap/1.0/\0<!DOCTYPE x [<!ENTITY a "GDepth">]><x>&a;</x>')
    (tmp_path / "a.jpg").write_bytes(content[:2] + bomb + content[2:])
    with pytest.raises(DamagedDataError, match="its XMP declares entities"):
        read(tmp_path / "a.jpg")


def test_a_smaller_map_covers_the_picture_and_another_shape_is_refused(tmp_path) -> None:
    write_gdepth(tmp_path / "a.jpg", size=(4 * WIDTH, 4 * HEIGHT))
    disparity, _ = read_embedded_disparity(tmp_path / "a.jpg", 4 * HEIGHT, 4 * WIDTH)
    assert disparity.shape == (4 * HEIGHT, 4 * WIDTH)
    np.testing.assert_allclose(
        disparity.reshape(HEIGHT, 4, WIDTH, 4).mean((1, 3)), read(tmp_path / "a.jpg")[0], atol=0.02
    )
    with pytest.raises(DamagedDataError, match="32x24 px: not of the picture's shape 24x32"):
        read_embedded_disparity(tmp_path / "a.jpg", WIDTH, HEIGHT)


def test_the_map_is_turned_with_the_picture(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    write_gdepth(tmp_path / "a.jpg", exif=exif)
    write_gdepth(tmp_path / "b.jpg")
    turned, _ = read_embedded_disparity(tmp_path / "a.jpg", WIDTH, HEIGHT)
    np.testing.assert_array_equal(turned, np.rot90(read(tmp_path / "b.jpg")[0], -1))


def test_other_photographs_carry_none(tmp_path) -> None:
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "a.jpg", xmp=packet('xmlns:dc="urn:dc" dc:title="x"'))
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "a.png")
    for name in ("a.jpg", "a.png"):
        assert read_embedded_disparity(tmp_path / name, HEIGHT, WIDTH) is None


def test_everything_may_stand_in_the_extended_part(tmp_path) -> None:
    write_gdepth(tmp_path / "a.jpg")
    write_gdepth(tmp_path / "b.jpg", described={}, in_extended=DESCRIPTION)
    np.testing.assert_array_equal(read(tmp_path / "a.jpg")[0], read(tmp_path / "b.jpg")[0])
