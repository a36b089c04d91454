import warnings

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.files.exr import write_exr
from bokehbench.datasets.files.maps import along_axis, read_depth, read_disparity


def save_deep(path, pixels) -> None:
    """Write RGB or grey at its own bit depth, whatever the file's name."""
    encoded = cv2.imencode(path.suffix, pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1]
    path.write_bytes(encoded.tobytes())


def test_disparity_keeps_floats_and_scales_integers(tmp_path) -> None:
    values = np.arange(20, dtype=np.float32).reshape(4, 5) - 3.0
    np.save(tmp_path / "a.npy", values)
    np.save(tmp_path / "b.npy", values[None])
    write_exr(tmp_path / "c.exr", values, half=False)
    for name in ("a.npy", "b.npy", "c.exr"):
        np.testing.assert_array_equal(read_disparity(tmp_path / name), values)
    deep = np.arange(20, dtype=np.uint16).reshape(4, 5) * 3000
    save_deep(tmp_path / "d.png", deep)
    np.testing.assert_allclose(read_disparity(tmp_path / "d.png"), deep / 65535.0, atol=1e-7)
    grey = np.repeat((deep >> 8).astype(np.uint8)[..., None], 3, axis=2)
    Image.fromarray(grey).save(tmp_path / "e.jpg", quality=100)
    np.testing.assert_allclose(read_disparity(tmp_path / "e.jpg"), grey[..., 0] / 255.0, atol=0.02)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([[1.0, np.nan]], np.float32), "NaN or infinite"),
        (np.array([[1.0, np.inf]], np.float32), "NaN or infinite"),
        (np.full((4, 5), 0.5, np.float32), "every value is 0.5"),
        (np.random.default_rng(0).random((4, 5, 3)), "expected one channel of disparity, got 4x5x3"),
        (np.zeros((2, 2, 4, 5)), "expected one channel"),
    ],
)
def test_disparity_that_makes_no_sense_is_refused(tmp_path, values, message) -> None:
    np.save(tmp_path / "a.npy", values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DamagedDataError, match=message):
            read_disparity(tmp_path / "a.npy")


DEPTH = np.linspace(0.5, 20.0, 20, dtype=np.float32).reshape(4, 5)


def test_depth_becomes_its_reciprocal(tmp_path) -> None:
    np.save(tmp_path / "a.npy", DEPTH)
    np.testing.assert_allclose(read_depth(tmp_path / "a.npy"), 1.0 / DEPTH, rtol=1e-6)
    np.testing.assert_allclose(read_depth(tmp_path / "a.npy", unit=0.5), 2.0 / DEPTH, rtol=1e-6)


@pytest.mark.parametrize("nothing", [0.0, np.inf, 1e10], ids=["Mitsuba", "LuxCore", "Cycles"])
@pytest.mark.parametrize("half", [False, True])
def test_where_nothing_was_hit_it_is_infinitely_far(tmp_path, nothing, half) -> None:
    depth = DEPTH.copy()
    depth[1, 2:] = nothing
    with np.errstate(over="ignore"):  # 1e10 in half floats
        write_exr(tmp_path / "a.exr", depth, half)
    found = read_depth(tmp_path / "a.exr")
    assert (found[1, 2:] == 0.0).all()
    assert (found > 0.0).sum() == 17


def test_whole_numbers_need_a_unit(tmp_path) -> None:
    millimetres = np.round(DEPTH * 1000.0).astype(np.uint16)
    save_deep(tmp_path / "depth.png", millimetres)
    tifffile.imwrite(tmp_path / "depth.tif", millimetres.astype(np.int32))
    with pytest.raises(DamagedDataError, match=r"depth\.png: depth in whole numbers says no unit: set depth_unit"):
        read_depth(tmp_path / "depth.png")
    for name in ("depth.png", "depth.tif"):
        np.testing.assert_allclose(read_depth(tmp_path / name, unit=0.001), 1000.0 / millimetres, rtol=1e-6)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-2.0, "depth of -2 at column 3, row 1: expected metres > 0"),
        (np.nan, "1 values are NaN or infinite, the first at column 3, row 1: write inf where nothing was hit"),
        (-np.inf, "1 values are NaN or infinite"),
        (1e-40, "1 values are NaN or infinite, the first at column 3, row 1: expected metres"),
    ],
)
def test_depth_that_cannot_be_is_placed(tmp_path, value, message) -> None:
    depth = DEPTH.copy()
    depth[1, 3] = value
    np.save(tmp_path / "a.npy", depth)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DamagedDataError, match=message):
            read_depth(tmp_path / "a.npy")


@pytest.mark.parametrize("depth", [np.full((4, 5), 3.0), np.zeros((4, 5)), np.full((4, 5), np.inf)])
def test_one_plane_is_no_map_of_depth(tmp_path, depth) -> None:
    np.save(tmp_path / "a.npy", depth)
    with pytest.raises(DamagedDataError, match="expected depth that varies"):
        read_depth(tmp_path / "a.npy")


def test_a_sphere_around_the_lens_bends_away_from_the_axis(tmp_path) -> None:
    """On it every distance along the ray is the same; the depth is the distance times the cosine."""
    planar = along_axis(np.full((40, 60), 0.5, np.float32), ray_fov=90.0)
    rows, columns = np.mgrid[:40, :60] + 0.5
    direction = np.stack([(columns - 30.0) / 30.0, (rows - 20.0) / 30.0, np.ones((40, 60))])
    depth = 2.0 * direction[2] / np.linalg.norm(direction, axis=0)
    np.testing.assert_allclose(planar, 1.0 / depth, rtol=1e-6)


def test_floats_that_differ_in_their_last_digits_are_no_grey(tmp_path) -> None:
    """Disparities of metres are small: 2/255 of 1 would let any colours pass."""
    colours = np.random.default_rng(0).random((4, 5, 3)).astype(np.float32) * 0.005
    np.save(tmp_path / "a.npy", colours)
    with pytest.raises(DamagedDataError, match="expected one channel of disparity, got 4x5x3"):
        read_disparity(tmp_path / "a.npy")
