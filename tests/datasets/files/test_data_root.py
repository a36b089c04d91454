from pathlib import Path

import pytest

from bokehbench.core.errors import DamagedDataError, MissingDataError
from bokehbench.datasets.files import data_root
from bokehbench.datasets.files.data_root import default_data_root, inside, require_folder


def test_the_environment_comes_before_the_folder_beside_the_program(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(data_root, "DEFAULT_FOLDER", tmp_path / "data")
    monkeypatch.delenv("BOKEHBENCH_DATA", raising=False)
    assert default_data_root() is None
    (tmp_path / "data").mkdir()
    assert default_data_root() == tmp_path / "data"
    monkeypatch.setenv("BOKEHBENCH_DATA", "/elsewhere")
    assert default_data_root() == Path("/elsewhere")


def test_an_absent_folder_says_what_to_get(tmp_path) -> None:
    with pytest.raises(MissingDataError, match=r"ebb: no data folder is given: put it at DIR/ebb .*: get it there"):
        require_folder("ebb", None, "ebb", "get it there")
    with pytest.raises(MissingDataError, match=r"ebb: .*ebb: no such folder: get it there"):
        require_folder("ebb", tmp_path, "ebb", "get it there")
    (tmp_path / "ebb").mkdir()
    assert require_folder("ebb", tmp_path, "ebb", "") == tmp_path / "ebb"


def test_paths_inside_are_joined(tmp_path) -> None:
    assert inside(tmp_path, "gt/11/11_f2.8.JPG", tmp_path / "m.json") == tmp_path / "gt" / "11" / "11_f2.8.JPG"


@pytest.mark.parametrize(
    "named",
    [
        "../x.jpg",
        "a/../../x.jpg",
        "/etc/passwd",
        r"..\x.jpg",
        r"C:\x.jpg",
        "C:x.jpg",
        "//host/x",
        "",
        7,
        None,
        "a\0.jpg",
        "x" * 300,
        "é" * 130,
    ],
)
def test_paths_that_leave_are_refused(tmp_path, named) -> None:
    with pytest.raises(DamagedDataError, match=r"m\.json: expected a path inside"):
        inside(tmp_path, named, tmp_path / "m.json")
