"""Scenes of the user's own with maps of every kind: the blur is what the numbers in them say."""

import json

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image

from bokehbench.core.errors import DamagedDataError, InvalidSceneError, MissingDataError
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.check import check_dataset
from bokehbench.datasets.doubts import find_doubts
from bokehbench.datasets.files.exr import write_exr

from ..map_files import FAR, HEIGHT, NEAR, SHARES, WIDTH, write_gdepth, write_pfm
from .conftest import LENS


@pytest.fixture
def scene_folder(scene_folder):
    """The same without its map."""
    (scene_folder / "disparity.npy").unlink()
    return scene_folder


def load(folder, **settings):
    if settings:
        (folder / "scene.yaml").write_text(json.dumps(settings), encoding="utf-8")
    return load_dataset("folder", folder.parent).load(folder.name)


def write_blender_exr(path, values) -> None:
    def header():
        return {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}

    colours = {f"ViewLayer.Combined.{c}": np.ones(values.shape, np.float16) for c in "RGBA"}
    parts = [("ViewLayer.Combined", colours), ("ViewLayer.Depth", {"ViewLayer.Depth.Z": values})]
    OpenEXR.File([OpenEXR.Part(header(), channels, name) for name, channels in parts]).write(str(path))


WRITERS = {
    ".npy": np.save,
    ".npz": lambda path, values: np.savez_compressed(path, disparity=values, confidence=values * 0.0),
    ".pfm": write_pfm,
    ".tif": lambda path, values: tifffile.imwrite(path, values.astype(np.float16)),
    ".exr": write_blender_exr,
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_kind_of_map_gives_the_same_blur(scene_folder, made, suffix) -> None:
    WRITERS[suffix](scene_folder / f"disparity{suffix}", made.disparity)
    scene = load(scene_folder)
    np.testing.assert_array_equal(scene.disparity[0].numpy(), made.disparity)
    assert (scene.focus_disparity, scene.blur_strength) == (3.0, 4.0)


@pytest.mark.parametrize("suffix", [".npy", ".pfm", ".exr", ".tif"])
def test_depth_blurs_as_a_thin_lens_does(scene_folder, made, suffix) -> None:
    """Radius in px = blur_strength |1/z - 1/z_focus|; the sky, where nothing was hit, lies at 1/z = 0."""
    depth = 1.0 / made.disparity
    depth[:4] = np.inf
    WRITERS[suffix](scene_folder / f"depth{suffix}", depth)
    scene = load(scene_folder, focus_depth=0.5, blur_strength=6.0)
    radius = scene.defocus[0].abs().numpy()
    expected = 6.0 * np.abs(np.where(np.isinf(depth), 0.0, made.disparity) - 2.0)
    np.testing.assert_allclose(radius, expected, rtol=2e-3)
    assert scene.focus_disparity == 2.0


def test_depth_in_millimetres_and_a_click(scene_folder, made) -> None:
    millimetres = np.round(1000.0 / made.disparity).astype(np.uint16)
    (scene_folder / "depth.png").write_bytes(cv2.imencode(".png", millimetres)[1].tobytes())
    with pytest.raises(DamagedDataError, match=r"depth\.png: .*set depth_unit"):
        load(scene_folder)
    scene = load(scene_folder, **LENS, depth_unit=0.001)
    assert scene.focus_disparity == pytest.approx(3.0, rel=2e-3)
    assert scene.defocus.abs().max() == pytest.approx(8.0)


def test_depth_along_the_ray_becomes_depth_along_the_axis(scene_folder, made) -> None:
    write_exr(scene_folder / "depth.exr", 1.0 / made.disparity, half=False)
    ratio = load(scene_folder, **LENS, depth_ray_fov=90.0).disparity[0].numpy() / made.disparity
    assert ratio[24, 0] == pytest.approx(np.sqrt(2.0), rel=0.02)
    assert ratio[24, 32] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"focus_depth": 0, "max_radius_px": 8}, "focus_depth: expected metres > 0, got 0"),
        ({"focus_depth": -2, "max_radius_px": 8}, "focus_depth: expected a number of at least 0, got -2"),
        ({"focus_depth": 2, "focus_at": [1, 2], "max_radius_px": 8}, "either focus_depth or focus_at, got both"),
        (LENS | {"depth_unit": 0}, "depth_unit: expected metres > 0, got 0"),
        (LENS | {"depth_unit": "mm"}, "depth_unit: expected a number"),
        (LENS | {"depth_ray_fov": 180}, "depth_ray_fov: expected degrees between 0 and 180, got 180"),
        (LENS | {"depth": "../depth.exr"}, "expected a path inside"),
        (LENS | {"depth": "depth.exr", "disparity": "disparity.npy"}, "either disparity or depth, got both"),
        (LENS | {"depth": "gone.exr"}, r"gone\.exr: expected a map of depth, found none"),
    ],
)
def test_settings_of_depth_that_make_no_sense(scene_folder, made, settings, message) -> None:
    write_exr(scene_folder / "depth.exr", 1.0 / made.disparity, half=False)
    with pytest.raises(MissingDataError, match=message):
        load(scene_folder, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"focus_depth": 2, "max_radius_px": 8},
            r"focus_depth: expected depth\.\*, got disparity: use focus_disparity",
        ),
        (LENS | {"depth_unit": 0.001}, r"depth_unit and depth_ray_fov belong to depth\.\*, the map is disparity\.npy"),
    ],
)
def test_settings_of_depth_do_not_fit_a_disparity(scene_folder, made, settings, message) -> None:
    np.save(scene_folder / "disparity.npy", made.disparity)
    with pytest.raises(DamagedDataError, match=message):
        load(scene_folder, **settings)


def test_mistakes_with_a_depth_are_said_in_metres(scene_folder, made) -> None:
    write_exr(scene_folder / "depth.exr", 1.0 / made.disparity, half=False)
    scene = load(scene_folder, focus_depth=0.1, max_radius_px=8)
    assert "the focus 0.1 m lies outside the map, 1 m to 0.3333 m, " in find_doubts(scene)["focus outside the map"]
    assert check_dataset(load_dataset("folder", scene_folder.parent)).ranges["depth, m"] == pytest.approx((1 / 3, 1.0))
    with pytest.raises(InvalidSceneError, match=r"a map of 1 m to 0\.3333 m, the focus at 0\.001 m and .* px per 1/m"):
        load(scene_folder, focus_depth=0.001, blur_strength=8)
    write_exr(scene_folder / "depth.exr", np.full_like(made.disparity, 4.0), half=False)
    with pytest.raises(DamagedDataError, match="every value is 4: expected depth that varies"):
        load(scene_folder, **LENS)


def test_a_scene_names_its_own_map_over_a_common_one(scene_folder, made) -> None:
    (scene_folder.parent / "scene.yaml").write_text("depth: z.exr\n")
    write_exr(scene_folder / "z.exr", 1.0 / made.disparity, half=False)
    assert load(scene_folder).focus_disparity == pytest.approx(3.0)
    np.save(scene_folder / "mine.npy", made.disparity + 1.0)
    assert load(scene_folder, **LENS, disparity="mine.npy").focus_disparity == 4.0


def test_what_stands_there_and_cannot_be_read_is_named(scene_folder) -> None:
    (scene_folder / "disparity.jpg2").write_bytes(b"x")
    with pytest.raises(
        DamagedDataError, match=r"disparity\.jpg2: cannot be read as a map of disparity: readable: \.png"
    ):
        load(scene_folder)


def test_a_target_that_nobody_reads_does_not_leave_a_scene_unscored(scene_folder, made) -> None:
    np.save(scene_folder / "disparity.npy", made.disparity)
    (scene_folder / "target.png").rename(scene_folder / "target.jp2")
    dataset = load_dataset("folder", scene_folder.parent)
    dataset.prepare()
    assert dataset.has_target("kitchen")
    with pytest.raises(DamagedDataError, match=r"target\.jp2: cannot be read as a picture"):
        dataset.load("kitchen")


@pytest.fixture
def portrait(tmp_path):
    """A folder with one JPEG file that carries its depth."""
    folder = tmp_path / "portrait"
    folder.mkdir()
    write_gdepth(folder / "image.jpg", size=(2 * WIDTH, 2 * HEIGHT))
    return folder


def test_a_portrait_brings_its_own_map(portrait) -> None:
    scene = load(portrait, focus_depth=1.0, blur_strength=5.0)
    assert (scene.height, scene.width) == (2 * HEIGHT, 2 * WIDTH)
    assert scene.focus_disparity == 1.0
    depth = FAR * NEAR / (FAR - SHARES * (FAR - NEAR))
    np.testing.assert_allclose(scene.disparity[0, ::2, ::2].numpy(), 1.0 / depth, atol=0.03)
    assert load_dataset("folder", portrait.parent).disparity_jobs(0) == []


def test_a_map_beside_a_portrait_is_the_one_that_is_read(portrait) -> None:
    own = np.random.default_rng(0).random((2 * HEIGHT, 2 * WIDTH)).astype(np.float32)
    np.save(portrait / "disparity.npy", own)
    np.testing.assert_array_equal(load(portrait, focus_disparity=0.5, blur_strength=5.0).disparity[0].numpy(), own)


def test_a_photograph_without_a_map_needs_one(portrait) -> None:
    Image.new("RGB", (20, 10)).save(portrait / "image.jpg")
    with pytest.raises(
        MissingDataError, match=r"expected disparity\.\* or depth\.\* .*estimate_disparity folder makes one"
    ):
        load(portrait, **LENS)
    assert len(load_dataset("folder", portrait.parent).disparity_jobs(0)) == 1


def test_a_focus_in_no_unit_at_all_is_refused_without_a_warning(scene_folder, made, recwarn) -> None:
    np.save(scene_folder / "disparity.npy", made.disparity)
    (scene_folder / "scene.yaml").write_text("focus_disparity: 1e300\nmax_radius_px: 4\n")
    with pytest.raises(InvalidSceneError, match=r"expected numbers that float32 holds, .*bring map and focus"):
        load_dataset("folder", scene_folder.parent).load("kitchen")
    assert not recwarn
