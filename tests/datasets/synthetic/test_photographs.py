from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bokehbench.core.errors import MissingDataError, UnknownNameError
from bokehbench.datasets.synthetic.photographs import (
    PHOTOGRAPHS,
    cover,
    load_photograph,
    packaged_file,
    read_photograph,
)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_every_photograph_ships_with_its_package(name: str) -> None:
    photograph = load_photograph(name)
    assert photograph.dtype == np.uint8
    assert photograph.shape[2] == 3
    assert min(photograph.shape[:2]) >= 300


def test_missing_things_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="astronaut"):
        load_photograph("lena")
    with pytest.raises(MissingDataError, match=r"nothing\.png"):
        packaged_file("skimage", "data/nothing.png")
    with pytest.raises(MissingDataError, match="not installed"):
        packaged_file("no_such_package_here", "x.png")
    (tmp_path / "torn.png").write_bytes(b"\x89PNG")
    with pytest.raises(MissingDataError, match=r"torn\.png"):
        read_photograph(tmp_path / "torn.png")


def test_grey_pictures_are_read_as_colour(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 5), 7, np.uint8)).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_photograph(tmp_path / "grey.png"), np.full((4, 5, 3), 7, np.uint8))


def test_cover_cuts_without_resampling_where_it_can() -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(cover(photograph, 10, 20, (0.0, 1.0)), photograph[:10, 20:])
    assert cover(photograph, 45, 20, (0.5, 0.5)).shape == (45, 20, 3)
    assert cover(photograph, 31, 97, (1.0, 1.0)).shape == (31, 97, 3)
