import os
import re

import numpy as np
import pytest

from bokehbench.core.errors import DamagedDataError, MissingDataError
from bokehbench.datasets.files.problems import Problem, check_finite, check_size, guarded, require_file


def test_sizes_are_named_as_width_by_height(tmp_path) -> None:
    reference, other = np.zeros((4, 6, 3), np.float32), np.zeros((4, 5), np.float32)
    with pytest.raises(DamagedDataError, match=r"d\.npy: 5x4 px, expected 6x4 as in i\.jpg"):
        check_size(tmp_path / "d.npy", other, tmp_path / "i.jpg", reference)


def test_what_is_no_file_is_seen_before_it_is_opened(tmp_path) -> None:
    """Opening a named pipe waits for a writer, for ever."""
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "broken.png").symlink_to(tmp_path / "gone.png")
    for name, kind in (("pipe.png", "named pipe"), ("folder.png", "folder")):
        with pytest.raises(DamagedDataError, match=f"{name}: expected a picture, this is a {kind}"):
            require_file(tmp_path / name, "a picture")
    for name in ("gone.png", "broken.png", "folder.png/a.png", "gone/a.png"):
        with pytest.raises(MissingDataError, match=f"{name}: expected a picture, found none"):
            require_file(tmp_path / name, "a picture")
    with pytest.raises(DamagedDataError, match="cannot be read"):
        require_file(tmp_path / "nul\0.png", "a picture")


@pytest.mark.parametrize(
    "error", [KeyError("x"), RecursionError("deep"), ZeroDivisionError(), OSError(5, "I/O"), MemoryError()]
)
def test_whatever_a_decoder_raises_is_one_line_about_the_file(tmp_path, error) -> None:
    with (
        pytest.raises(DamagedDataError, match=r"a\.tif: (cannot be read|does not fit into the memory)") as caught,
        guarded(tmp_path / "a.tif"),
    ):
        raise error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("said", ["Truncated File Read", "image file is truncated (64 bytes not processed)"])
def test_a_file_that_is_cut_short_is_said_to_be(tmp_path, said) -> None:
    expected = re.escape(f"a.png: cannot be read: the file is cut short ({said}): copy it again")
    with pytest.raises(DamagedDataError, match=expected), guarded(tmp_path / "a.png"):
        raise OSError(said)


def test_values_that_are_not_finite_are_counted_and_placed(tmp_path) -> None:
    values = np.ones((4, 6, 3), np.float32)
    values[2, 5], values[3, 0, 1] = np.nan, np.inf
    with pytest.raises(
        DamagedDataError, match=r"a\.npy: 4 values are NaN or infinite, the first at column 5, row 2: x"
    ):
        check_finite(tmp_path / "a.npy", values, "x")


def test_every_sentence_is_short_and_says_something_else() -> None:
    assert len({problem.value for problem in Problem}) == len(Problem)
    assert all(len(problem) < 120 and "\n" not in problem for problem in Problem)
