import matplotlib as mpl
import numpy as np
import pytest
import torch
from PIL import Image

from bokehbench.core.errors import MissingDataError
from bokehbench.core.files import write_image, write_map
from bokehbench.reports.files.assets import Assets
from bokehbench.reports.parts.pictures import ERROR_COLOURS, ERROR_SCALE, PictureMaker, describe_colours


def pixels(folder, picture):
    with Image.open(folder / picture.full) as opened:
        return np.asarray(opened.convert("RGB"))


def test_error_map_shows_the_mean_absolute_difference_on_the_fixed_scale(tmp_path):
    target = torch.full((3, 4, 6), 0.2)
    render = target.clone()
    render[:, :, 2:4] += ERROR_SCALE / 2
    render[:, :, 4:] += ERROR_SCALE * 2  # beyond the scale: the brightest colour
    write_image(tmp_path / "r.png", render)
    write_image(tmp_path / "t.png", target)
    maker = PictureMaker(Assets(tmp_path / "out"))
    picture = maker.error_map(tmp_path / "r.png", tmp_path / "t.png", ("d", "s", "r"))
    maker.make()
    colours = mpl.colormaps["magma"]([0.0, 0.5, 1.0], bytes=True)[:, :3].astype(int)
    shown = pixels(tmp_path / "out", picture).astype(int)
    assert np.abs(shown[0, [0, 2, 4]] - colours).max() <= 4  # 8-bit steps of the sources


def test_disparity_is_brighter_where_nearer(tmp_path):
    disparity = torch.linspace(-3.0, 5.0, 32).expand(1, 8, 32)
    write_map(tmp_path / "d.png", disparity, -3.0, 5.0)
    maker = PictureMaker(Assets(tmp_path / "out"))
    picture = maker.disparity(tmp_path / "d.png", ("d", "s", "disparity"))
    maker.make()
    row = pixels(tmp_path / "out", picture)[0].astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(row) > 0).all()
    assert row[-1] - row[0] > 150


def test_photograph_keeps_its_pixels_and_thumbnails_are_small(tmp_path):
    image = torch.rand(3, 900, 1200)
    write_image(tmp_path / "p.png", image)
    maker = PictureMaker(Assets(tmp_path / "out"))
    picture = maker.photograph(tmp_path / "p.png", ("d", "s", "p"))
    maker.make()
    assert (tmp_path / "out" / picture.full).read_bytes() == (tmp_path / "p.png").read_bytes()
    with Image.open(tmp_path / "out" / picture.thumbnail) as thumbnail:
        assert thumbnail.size == (480, 360)


def test_pictures_are_copied_where_files_cannot_be_linked(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    write_image(tmp_path / "p.png", torch.rand(3, 8, 8))
    maker = PictureMaker(Assets(tmp_path / "out"))
    picture = maker.photograph(tmp_path / "p.png", ("d", "s", "p"))
    maker.make()
    assert (tmp_path / "out" / picture.full).read_bytes() == (tmp_path / "p.png").read_bytes()


def test_only_what_changed_is_made_again(tmp_path):
    def make():
        maker = PictureMaker(Assets(tmp_path / "out"))
        pictures = [maker.photograph(tmp_path / f"{name}.png", ("d", "s", name)) for name in "ab"]
        maker.make()
        return [(p.full, (tmp_path / "out" / p.thumbnail).stat().st_mtime_ns) for p in pictures]

    for name in "ab":
        write_image(tmp_path / f"{name}.png", torch.rand(3, 8, 8))
    first, second = make(), make()
    assert first == second
    write_image(tmp_path / "b.png", torch.rand(3, 8, 8))
    third = make()
    assert third[0] == first[0]
    assert third[1][0] != first[1][0]


@pytest.mark.parametrize("name", ["../../out", "/etc/x", "..", "a\\b", "<b>", "\u202e", "report.css", ""])
def test_names_cannot_leave_the_folder(tmp_path, name):
    write_image(tmp_path / "p.png", torch.rand(3, 8, 8))
    maker = PictureMaker(Assets(tmp_path / "out"))
    picture = maker.photograph(tmp_path / "p.png", (name, name, name))
    maker.make()
    path = (tmp_path / "out" / picture.full).resolve()
    assert path.is_relative_to((tmp_path / "out" / "assets" / "pictures").resolve())
    assert picture.full.isascii()
    assert not set(picture.full) & set("<>\"'%?#& \\")


def test_damaged_picture_is_one_line(tmp_path):
    (tmp_path / "p.png").write_bytes(b"not a picture")
    maker = PictureMaker(Assets(tmp_path / "out"))
    maker.photograph(tmp_path / "p.png", ("d", "s", "p"))
    with pytest.raises(MissingDataError, match=r"p\.png: not a readable picture"):
        maker.make()


def test_colour_ramp_is_css():
    assert ERROR_COLOURS == "magma"
    assert describe_colours()["error_scale"] == ERROR_SCALE
    ramp = describe_colours()["error"]
    assert ramp[0] == "#000004"
    assert all(colour.startswith("#") and len(colour) == 7 for colour in ramp)
