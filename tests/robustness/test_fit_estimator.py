import cv2
import numpy as np
import pytest

from bokehbench.robustness.fit_estimator import main, measure


@pytest.fixture(scope="module")
def discs():
    """A picture of two bright discs, and their map."""
    rows, columns = np.mgrid[:120, :160]
    near = np.zeros((120, 160), np.float32)
    for row, column in ((60, 40), (60, 118)):
        near += np.clip(30.5 - np.hypot(rows - row, columns - column), 0.0, 1.0).astype(np.float32)
    return np.repeat(0.2 + 0.6 * near[..., None], 3, axis=2), near


def test_a_sharp_map_on_its_outlines(discs):
    found = measure(*discs)
    assert abs(found.outset_px) < 0.1
    assert found.width_px < 1.5
    assert found.edges > 200


def test_softness_and_outset_are_measured_as_they_were_made(discs):
    picture, near = discs
    grown = cv2.dilate(near, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    found = measure(picture, cv2.GaussianBlur(grown, (0, 0), 2.0))
    assert found.outset_px == pytest.approx(2.0, abs=0.3)
    assert found.width_px == pytest.approx(2.56 * 2.0, rel=0.1)


def test_thin_parts_count_by_what_of_them_is_left(discs):
    picture, near = discs
    with_lines = near.copy()
    with_lines[:, 8:10] = with_lines[:, 150:152] = 1.0
    assert measure(picture, with_lines).thin > 1.5 * measure(picture, near).thin


def test_a_folder_without_pairs_is_refused(tmp_path, capsys):
    assert main([str(tmp_path)]) == 2
    assert f"{tmp_path}: expected NAME_image.* beside NAME_disparity.*, found no such pair" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("sides", "said"),
    [
        ((60, 100), "a_disparity.png: expected 160x120 px as a_image.png, got 100x60 px"),
        ((120, 160), "a: expected depth edges"),
    ],
)
def test_maps_that_tell_nothing_are_refused(sides, said, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "a_image.png"), np.full((120, 160, 3), 99, np.uint8))
    slope = np.linspace(0, 65535, sides[1]).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a_disparity.png"), np.tile(slope, (sides[0], 1)))
    assert main([str(tmp_path)]) == 2
    assert said in capsys.readouterr().err


def test_two_maps_of_a_picture_are_refused(tmp_path, capsys):
    for name in ("a_image.png", "a_disparity.png", "a_disparity.tif"):
        cv2.imwrite(str(tmp_path / name), np.full((20, 20, 3) if "image" in name else (20, 20), 99, np.uint8))
    cv2.imwrite(str(tmp_path / "a_disparity.png"), np.eye(20, dtype=np.uint16))
    assert main([str(tmp_path)]) == 2
    assert "a_disparity.tif: a second map of a_image.png: keep one of them" in capsys.readouterr().err
