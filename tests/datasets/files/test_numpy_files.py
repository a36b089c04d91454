import io
import zipfile

import numpy as np
import pytest

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.files.maps import read_depth, read_disparity
from bokehbench.datasets.files.pictures import read_picture

VALUES = np.arange(20, dtype=np.float32).reshape(4, 5) + 1.0


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_one_array_is_the_map_whatever_its_name(tmp_path, save) -> None:
    save(tmp_path / "a.npz", anything=VALUES)
    np.testing.assert_array_equal(read_disparity(tmp_path / "a.npz"), VALUES)


def test_of_several_arrays_the_one_named_as_the_map_is_read(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", confidence=VALUES * 9, disparity=VALUES, depth=1.0 / VALUES)
    np.testing.assert_array_equal(read_disparity(tmp_path / "a.npz"), VALUES)
    np.testing.assert_allclose(read_depth(tmp_path / "a.npz"), VALUES, rtol=1e-6)
    np.savez(tmp_path / "b.npz", left=VALUES, right=VALUES)
    with pytest.raises(DamagedDataError, match=r"expected one array, or one that is named disparity, got left, right"):
        read_disparity(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz")
    with pytest.raises(DamagedDataError, match="got none"):
        read_disparity(tmp_path / "c.npz")


@pytest.mark.parametrize(
    "values",
    [VALUES[None], VALUES[..., None], np.asfortranarray(VALUES), VALUES.astype(">f4"), VALUES.astype(np.float64)],
    ids=["(1,H,W)", "(H,W,1)", "columns first", "big endian", "float64"],
)
def test_every_layout_of_an_array(tmp_path, values) -> None:
    np.save(tmp_path / "a.npy", values)
    np.testing.assert_array_equal(read_disparity(tmp_path / "a.npy"), VALUES)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (VALUES[0], "expected one channel of disparity, got 5"),
        (np.float32(3.0), "expected one channel of disparity, got one number"),
        (VALUES.astype(complex), "got complex128"),
        (VALUES.astype(np.int64), "whole numbers of up to 32 bits or floats, got int64"),
        (VALUES.astype(np.int32), "32-bit whole numbers of up to 20: the largest of their type stands for 1"),
        (np.zeros((4, 5), [("d", "f4")]), "expected an array of plain numbers"),
        (np.zeros((0, 5), np.float32), "holds no pixels"),
    ],
)
def test_arrays_that_are_no_map(tmp_path, values, message) -> None:
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(DamagedDataError, match=message):
        read_disparity(tmp_path / "a.npy")


@pytest.mark.parametrize("kind", ["int8", "int16", "int32"])
def test_a_picture_of_signed_numbers_is_refused_with_what_to_save(tmp_path, kind) -> None:
    np.save(tmp_path / "a.npy", np.ones((4, 5, 3), kind))
    with pytest.raises(DamagedDataError, match=f"without a sign or floats, got {kind}: save uint8, uint16 or floats"):
        read_picture(tmp_path / "a.npy")


def test_objects_are_never_unpickled(tmp_path) -> None:
    for name, save in (("a.npy", np.save), ("a.npz", np.savez)):
        save(tmp_path / name, np.array([{}] * 4).reshape(2, 2))
        with pytest.raises(DamagedDataError, match="expected an array of plain numbers, got object"):
            read_disparity(tmp_path / name)


def header(shape) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return file.getvalue()


@pytest.mark.parametrize(
    ("shape", "message"),
    [((65536, 65536), "up to 178 megapixels"), ((1000, 1000), "expected 4000000 bytes of pixels, got 64")],
)
def test_what_a_header_claims_is_refused_before_it_is_allocated(tmp_path, shape, message) -> None:
    (tmp_path / "a.npy").write_bytes(header(shape) + bytes(64))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("disparity.npy", header(shape) + bytes(64))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(DamagedDataError, match=message):
            read_disparity(tmp_path / name)


def test_an_archive_is_no_picture_and_a_torn_one_is_named(tmp_path) -> None:
    np.savez(tmp_path / "image.npz", VALUES / 20.0)
    with pytest.raises(DamagedDataError, match="cannot be read as a picture"):
        read_picture(tmp_path / "image.npz")
    (tmp_path / "torn.npz").write_bytes((tmp_path / "image.npz").read_bytes()[:-60])
    with pytest.raises(DamagedDataError, match=r"torn\.npz: cannot be read"):
        read_disparity(tmp_path / "torn.npz")


def test_what_follows_an_array_is_not_passed_over(tmp_path) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.save(file, VALUES)
        np.save(file, VALUES)
    with pytest.raises(DamagedDataError, match="expected 80 bytes of pixels, got 288"):
        read_disparity(tmp_path / "a.npy")


def test_an_array_that_is_named_as_another_map_is_not_taken_for_this_one(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", depth=VALUES)
    with pytest.raises(DamagedDataError, match=r"expected one array, or one that is named disparity, got depth"):
        read_disparity(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", Disparity=VALUES)
    with pytest.raises(DamagedDataError, match=r"expected one array, or one that is named depth, got Disparity"):
        read_depth(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", Disparity=VALUES, mask=VALUES)
    np.testing.assert_array_equal(read_disparity(tmp_path / "c.npz"), VALUES)
