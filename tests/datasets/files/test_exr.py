"""OpenEXR files come back as they were written; a failed or second writer tears none."""

import numpy as np
import pytest

from bokehbench.core.errors import DamagedDataError, MissingDataError
from bokehbench.datasets.files import exr
from bokehbench.datasets.files.exr import read_exr, write_exr


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
@pytest.mark.parametrize("half", [True, False])
def test_a_picture_comes_back(tmp_path, shape, half):
    picture = np.random.default_rng(0).normal(size=shape).astype(np.float16 if half else np.float32)
    write_exr(tmp_path / "new" / "a.exr", picture, half)
    read = read_exr(tmp_path / "new" / "a.exr")
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, picture.reshape(5, 7, -1).astype(np.float32))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.exr"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.exr"
    write_exr(path, np.ones((4, 4, 3)))
    before = path.read_bytes()

    class Full(exr.OpenEXR.File):
        def write(self, name):
            super().write(name)
            raise OSError("disk full")

    monkeypatch.setattr(exr.OpenEXR, "File", Full)
    with pytest.raises(OSError, match="disk full"):
        write_exr(path, np.zeros((4, 4, 3)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_absent_and_damaged_files_are_named(tmp_path):
    with pytest.raises(MissingDataError, match=r"a\.exr: expected an OpenEXR file, found none"):
        read_exr(tmp_path / "a.exr")
    (tmp_path / "a.exr").write_bytes(b"no picture")
    with pytest.raises(DamagedDataError, match=r"a\.exr: truncated, damaged or no OpenEXR file"):
        read_exr(tmp_path / "a.exr")
