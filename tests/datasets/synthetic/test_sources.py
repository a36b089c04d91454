from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bokehbench.core.errors import DamagedDataError, MissingDataError
from bokehbench.datasets.synthetic.cutouts import CUTOUTS
from bokehbench.datasets.synthetic.sources import PACKAGED, SHORTER_SIDE_PX, SceneSources, open_sources


@pytest.fixture
def own(tmp_path: Path) -> SceneSources:
    (tmp_path / "photos").mkdir()
    (tmp_path / "cutouts").mkdir()
    Image.new("RGB", (2000, 1000), (10, 200, 30)).save(tmp_path / "photos" / "large.png")
    Image.new("RGB", (60, 40), (250, 20, 30)).save(tmp_path / "photos" / "small.jpg", quality=95)
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[10:30, 20:30] = (255, 0, 0, 255)
    pixels[10:30, 30:40] = (0, 0, 255, 128)
    Image.fromarray(pixels).save(tmp_path / "cutouts" / "flag.png")
    return open_sources(tmp_path / "photos", tmp_path / "cutouts")


def test_packaged_pictures_are_the_default() -> None:
    assert open_sources(None, None) == PACKAGED
    assert PACKAGED.cutouts == list(CUTOUTS)
    assert PACKAGED.describe() == {}
    for name in PACKAGED.photographs:
        assert PACKAGED.photograph(name).ndim == 3


def test_own_photographs_are_named_by_their_files_and_reduced(own: SceneSources) -> None:
    assert own.photographs == ["large.png", "small.jpg"]
    large = own.photograph("large.png")
    assert large.shape == (SHORTER_SIDE_PX, 2 * SHORTER_SIDE_PX, 3)
    assert large[5, 5].tolist() == [10, 200, 30]
    assert own.photograph("small.jpg").shape == (40, 60, 3)
    assert set(own.describe()) == {"large.png", "small.jpg", "flag.png"}


def test_own_cutouts_are_linear_premultiplied_and_stand_on_the_box(own: SceneSources) -> None:
    assert own.cutouts == ["flag.png"]
    rgba = own.cutout("flag.png", 60, 40, np.random.default_rng(0))
    assert rgba.shape == (60, 40, 4)
    assert not rgba[:20].any()  # 20 x 20 px without margins, scaled to 40 x 40 on the lower edge
    assert float(rgba[-1, :, 3].min()) > 0.4
    half = rgba[40, [5, 35]]
    solid, glass = half[np.argsort(half[:, 3])][::-1]
    np.testing.assert_allclose(solid, (1.0, 0.0, 0.0, 1.0), atol=1e-5)
    np.testing.assert_allclose(glass, (0.0, 0.0, 128 / 255, 128 / 255), atol=1e-5)


def test_folders_without_pictures(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(MissingDataError, match="expected a folder with pictures"):
            open_sources(folder, None)


def test_cutouts_that_are_none(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "opaque.png")
    Image.new("RGBA", (8, 8), (9, 9, 9, 0)).save(tmp_path / "empty.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "opaque.png").read_bytes()[:30])
    sources = open_sources(None, tmp_path)
    rng = np.random.default_rng(0)
    for name, message in (
        ("opaque.png", "expected a picture with transparency"),
        ("empty.png", "every pixel is transparent"),
        ("torn.png", "expected a picture with transparency"),
    ):
        with pytest.raises(DamagedDataError, match=f"{name}: {message}"):
            sources.cutout(name, 20, 20, rng)


def test_a_torn_photograph_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:200])
    with pytest.raises(DamagedDataError, match=r"a\.jpg"):
        open_sources(tmp_path, None).photograph("a.jpg")
