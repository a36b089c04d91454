"""Each renderer's files become a scene of the data set ``folder``."""

import json
import shutil

import numpy as np
import pytest

from bokehbench.core.errors import BokehBenchError, DamagedDataError, InvalidOptionError
from bokehbench.datasets.files.exr import read_exr
from bokehbench.datasets.files.maps import ray_lengths
from bokehbench.datasets.folder import UserFolder
from bokehbench.datasets.import_render.__main__ import main
from bokehbench.datasets.import_render.convert import import_render

from .conftest import HEIGHT, WIDTH, colours, numbers, write_parts

PLANAR = np.where(np.arange(WIDTH) < 8, 1.25, 4.0).astype(np.float32) * np.ones((HEIGHT, 1), np.float32)
STRETCH = ray_lengths(HEIGHT, WIDTH, WIDTH / 2)
STORED = {
    "cycles": (PLANAR, 1e10, "V"),
    "mitsuba": (((PLANAR - 0.5) * STRETCH), 0.0, "depth.T"),
    "luxcore": (((PLANAR - 0.5) * STRETCH), np.inf, "Z"),
    "povray": (PLANAR, 0.0, "Z"),
}


def stored_depth(renderer):
    """Return the depth as the renderer stores it, with one pixel where nothing was hit, and the channel's name."""
    depth, nothing, name = STORED[renderer]
    depth = depth.astype(np.float32)
    depth[0, 15] = nothing
    return depth, name


def load(output):
    return UserFolder(data_root=output).load("render")


@pytest.mark.parametrize("renderer", list(STORED))
def test_scene_of_each_renderer(tmp_path, write_render, pictures, renderer):
    imported = import_render(write_render(renderer, *stored_depth(renderer)), tmp_path / "out")
    scene = load(tmp_path / "out")
    expected = 1.0 / PLANAR
    expected[0, 15] = 0.0
    assert scene.disparity[0].numpy() == pytest.approx(expected, rel=1e-5)
    assert scene.blur_strength == imported.blur_strength
    assert scene.focus_disparity == 0.5
    assert imported.largest_radius_px == pytest.approx(float(scene.defocus.abs().max()), rel=1e-5)
    assert not imported.doubts
    for name, picture in zip(("image", "target"), pictures, strict=True):
        assert np.array_equal(read_exr(imported.folder / f"{name}.exr"), picture)


@pytest.mark.parametrize("interleaved", [True, False], ids=["one part", "parts"])
def test_blender_multilayer(tmp_path, pictures, interleaved):
    folder = tmp_path / "render"
    folder.mkdir()
    depth, _ = stored_depth("cycles")
    light, z = colours(pictures[0], "ViewLayer.Combined."), {"ViewLayer.Depth.Z": depth}
    alpha = {"ViewLayer.Combined.A": np.ones_like(depth)}
    parts = {"": light | alpha | z} if interleaved else {"ViewLayer.Combined": light | alpha, "ViewLayer.Depth": z}
    write_parts(folder / "pinhole.exr", parts)
    write_parts(folder / "lens.exr", {"": colours(pictures[1], "ViewLayer.Combined.") | alpha})
    (folder / "camera.json").write_text(json.dumps(numbers("cycles", depth="pinhole.exr")))
    import_render(folder, tmp_path / "out")
    scene = load(tmp_path / "out")
    assert float(scene.disparity[0, 5, 3]) == pytest.approx(0.8)
    assert float(scene.disparity[0, 0, 15]) == 0.0


def test_a_channel_by_its_name(tmp_path, write_render):
    depth, _ = stored_depth("luxcore")
    folder = write_render("luxcore", depth, "Z", depth_channel="film.dist")
    write_parts(folder / "depth.exr", {"": {"film.dist": depth, "film.id": np.zeros_like(depth)}})
    import_render(folder, tmp_path / "out")
    assert float(load(tmp_path / "out").disparity[0, 5, 3]) == pytest.approx(0.8)
    (folder / "camera.json").write_text(json.dumps(numbers("luxcore", depth_channel="dist")))
    with pytest.raises(DamagedDataError, match=r"expected a channel dist, got film\.dist, film\.id"):
        import_render(folder, tmp_path / "out")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, r"depth\.exr: depth of -1 at column 3, row 2"),
        (np.nan, r"depth\.exr: 1 values are NaN or infinite, the first at column 3, row 2"),
        (-np.inf, "1 values are NaN or infinite"),
    ],
)
def test_values_that_are_no_depth(tmp_path, write_render, value, message):
    depth, name = stored_depth("mitsuba")
    depth[2, 3] = value
    with pytest.raises(DamagedDataError, match=message):
        import_render(write_render("mitsuba", depth, name), tmp_path / "out")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"width": 32}, r"pinhole\.exr: 16x12 px, camera\.json says 32x12: render the whole picture"),
        ({"lens": "absent.exr"}, r"absent\.exr: expected an OpenEXR file, found none"),
        ({"depth": "../depth.exr"}, "expected a path inside"),
    ],
)
def test_files_that_do_not_fit(tmp_path, write_render, changed, message):
    with pytest.raises(BokehBenchError, match=message):
        import_render(write_render("mitsuba", *stored_depth("mitsuba"), **changed), tmp_path / "out")


def test_empty_space(tmp_path, write_render):
    with pytest.raises(DamagedDataError, match="nothing was hit anywhere"):
        import_render(write_render("cycles", np.full_like(PLANAR, 1e10), "Z"), tmp_path / "out")


def test_depth_out_of_the_lens_picture(tmp_path, write_render):
    folder = write_render("cycles", *stored_depth("cycles"))
    (folder / "depth.exr").unlink()
    (folder / "depth.exr").symlink_to("lens.exr")
    with pytest.raises(DamagedDataError, match=r"lens\.exr: expected a file of its own"):
        import_render(folder, tmp_path / "out")


def test_depth_that_the_lens_picture_has_too(tmp_path, write_render, pictures):
    depth, name = stored_depth("cycles")
    folder = write_render("cycles", depth, name)
    write_parts(folder / "lens.exr", {"": colours(pictures[1]) | {"Depth.V": depth}})
    with pytest.raises(DamagedDataError, match=r"depth\.exr: the depth of lens\.exr, which a lens blurred"):
        import_render(folder, tmp_path / "out")
    write_parts(folder / "lens.exr", {"": colours(pictures[1]) | {"Depth.V": depth + 1}})
    assert import_render(folder, tmp_path / "out")


def test_no_other_scene_is_overwritten(tmp_path, write_render):
    folder = write_render("cycles", *stored_depth("cycles"))
    with pytest.raises(InvalidOptionError, match="would replace what it is made of"):
        import_render(folder, tmp_path)
    (tmp_path / "out" / "render").mkdir(parents=True)
    (tmp_path / "out" / "render" / "image.png").write_bytes(b"mine")
    with pytest.raises(InvalidOptionError, match="holds something else than an imported scene"):
        import_render(folder, tmp_path / "out")


def test_command(tmp_path, write_render, pictures, capsys):
    folder = write_render("cycles", *stored_depth("cycles"), aperture_blades=5)
    write_parts(folder / "lens.exr", {"": colours(np.minimum(pictures[1], 0.5))})
    for _ in range(2):  # the second time in the place of the first
        assert main([str(folder), "--output", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert "Cycles, 0.27778 px per unit of 1/z, radii of up to 0.139 px" in out
    assert "check_blur_strength --data-root" in out
    assert "camera.json: aperture_blades: 5 make a polygon" in err
    assert "lens.exr: never exceeds 1" in err
    assert main([str(tmp_path / "absent"), "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_two_folders_of_one_name_are_refused_before_either_is_imported(tmp_path, write_render, capsys):
    folder, other = write_render("cycles", *stored_depth("cycles")), tmp_path / "b" / "render"
    shutil.copytree(folder, other)
    assert main([str(folder), str(other), "--output", str(tmp_path / "out")]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert f"{folder}, {other}: both would become the scene render: rename one of the folders" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("part", ["camera.json", "pinhole.exr", "lens.exr", "depth.exr"])
def test_another_folder_of_that_name_replaces_no_scene_later_either(tmp_path, write_render, pictures, part):
    folder, other = write_render("cycles", *stored_depth("cycles")), tmp_path / "b" / "render"
    shutil.copytree(folder, other)
    if part == "camera.json":
        (other / part).write_text((other / part).read_text() + "\n")
    else:
        darker = np.float32(0.5) * (pictures[0] if part != "depth.exr" else PLANAR)
        write_parts(other / part, {"": {"V": darker} if part == "depth.exr" else colours(darker)})
    scene = import_render(folder, tmp_path / "out").folder
    before = {path.name: path.read_bytes() for path in scene.iterdir()}
    import_render(folder, tmp_path / "out")  # the same once more
    with pytest.raises(InvalidOptionError, match=r"is the scene of another render than .*b/render holds now"):
        import_render(other, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in scene.iterdir()} == before


def test_the_same_render_once_more_leaves_settings_by_hand(tmp_path, write_render):
    folder = write_render("cycles", *stored_depth("cycles"))
    settings = import_render(folder, tmp_path / "out").folder / "scene.yaml"
    settings.write_text(settings.read_text() + "cluster: kitchen\n")
    before = settings.read_text()
    import_render(folder, tmp_path / "out")
    assert settings.read_text() == before


def test_a_scene_that_was_only_begun_is_made_again(tmp_path, write_render):
    folder = write_render("cycles", *stored_depth("cycles"))
    scene = import_render(folder, tmp_path / "out").folder
    (scene / "scene.yaml").unlink()
    (scene / "image.exr").write_bytes(b"")
    import_render(folder, tmp_path / "out")
    assert load(tmp_path / "out")
