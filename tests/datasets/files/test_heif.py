"""Portrait photographs: HEIC files whose alpha plane is renamed to a depth map, which differs in its name alone."""

import sys

import numpy as np
import pytest
from PIL import Image

from bokehbench.core.errors import DamagedDataError, MissingDataError
from bokehbench.datasets.files.heif import as_disparity
from bokehbench.datasets.files.maps import read_embedded_disparity
from bokehbench.datasets.files.pictures import read_picture
from bokehbench.datasets.files.raster import Raster

HEIGHT, WIDTH = 64, 96
LEVELS = np.broadcast_to(np.linspace(10, 250, WIDTH).astype(np.uint8), (HEIGHT, WIDTH))


@pytest.fixture
def portrait(tmp_path):
    """An orange photograph with LEVELS as its map."""
    pillow_heif = pytest.importorskip("pillow_heif")
    rgba = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    rgba[..., :3], rgba[..., 3] = (200, 120, 40), LEVELS
    path = tmp_path / "image.heic"
    pillow_heif.from_pillow(Image.fromarray(rgba)).save(path, quality=-1)
    with pytest.raises(DamagedDataError, match="transparent"):
        read_picture(path)
    content = path.read_bytes()
    assert content.count(b"auxid:1") == 1
    path.write_bytes(content.replace(b"auxid:1", b"auxid:2"))
    return path


def test_the_picture_and_its_map_are_read(portrait) -> None:
    picture = read_picture(portrait)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(picture[5, 5], np.array([200, 120, 40]) / 255.0, atol=0.02)
    disparity, is_metric = read_embedded_disparity(portrait, HEIGHT, WIDTH)
    np.testing.assert_allclose(disparity, LEVELS / 255.0, atol=1e-6)
    assert not is_metric


def test_a_photograph_without_a_map(tmp_path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(Image.new("RGB", (WIDTH, HEIGHT))).save(tmp_path / "image.heic")
    assert read_embedded_disparity(tmp_path / "image.heic", HEIGHT, WIDTH) is None


def test_a_torn_file_is_named(portrait) -> None:
    portrait.write_bytes(portrait.read_bytes()[:600])
    with pytest.raises(DamagedDataError, match=r"image\.heic: cannot be read"):
        read_picture(portrait)


def test_without_the_package_the_extra_is_named(portrait, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingDataError, match=r"image\.heic: HEIC needs the package pillow-heif: .*\[heic\]"):
        read_picture(portrait)


@pytest.mark.parametrize(
    ("metadata", "low", "high", "is_metric"),
    [
        ({}, 0.0, 1.0, False),
        ({"representation_type": 1, "d_min": 0.5, "d_max": 2.5}, 0.5, 2.5, False),
        ({"representation_type": 0, "z_near": 0.4, "z_far": 5.0}, 0.2, 2.5, True),
    ],
)
def test_what_the_range_means(tmp_path, metadata, low, high, is_metric) -> None:
    found = as_disparity(tmp_path / "a.heic", Raster.of(LEVELS), metadata)
    np.testing.assert_allclose(found.disparity, low + LEVELS / 255.0 * (high - low), rtol=1e-5)
    assert found.is_metric == is_metric


@pytest.mark.parametrize("metadata", [{"representation_type": 2}, {"d_min": 1.0, "d_max": 1.0}, {"d_min": np.nan}])
def test_a_map_that_is_no_disparity_is_refused(tmp_path, metadata) -> None:
    with pytest.raises(DamagedDataError, match=r"a\.heic: its embedded depth map cannot be used"):
        as_disparity(tmp_path / "a.heic", Raster.of(LEVELS), metadata)
