"""What is damaged in a copy of BLB costs its own pictures only."""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import tifffile

from bokehbench.benchmarks.metrics.registry import load_metric
from bokehbench.benchmarks.run.cases import PlannedDataset, PlannedRenderer, expand_cases
from bokehbench.benchmarks.run.runner import Runner
from bokehbench.core.errors import MissingDataError
from bokehbench.datasets.files.exr import write_exr
from bokehbench.renderers.registry import load_renderer


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def test_a_truncated_picture_costs_itself(damaged) -> None:
    truncate(damaged.folder("277") / "bokeh_01_02.exr")
    assert list(damaged.broken()) == ["277-01-02"]
    truncate(damaged.folder("1000") / "image.exr")
    messages = damaged.broken("blb@2")
    assert len(messages) == 11
    assert "277/bokeh_01_02.exr: truncated" in messages["277-01-02"]
    assert "1000/image.exr: truncated" in messages["1000-01-02"]


def test_one_file_of_a_pair_is_missing(damaged) -> None:
    (damaged.folder("277") / "bokeh_00_07.exr").unlink()
    (damaged.folder("1000") / "depth.exr").unlink()
    messages = damaged.broken("blb@1")
    assert set(messages) == {"277-00-07"} | {f"1000-00-{focus:02d}" for focus in range(10)}
    assert "bokeh_00_07.exr: expected an OpenEXR file, found none" in messages["277-00-07"]
    assert "depth.exr: expected an OpenEXR file, found none" in messages["1000-00-00"]


def write_channels(path: Path, **channels: np.ndarray) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, channels).write(str(path))


def test_wrong_channel_counts(damaged) -> None:
    ramp = damaged.ramp(1.0, 2.0)
    folder = damaged.folder("277")
    write_channels(folder / "bokeh_00_00.exr", Y=ramp)
    write_channels(folder / "bokeh_00_01.exr", R=ramp, G=ramp)
    messages = damaged.broken("blb@1")
    assert "bokeh_00_00.exr: expected the channels R, G, B, got 1" in messages["277-00-00"]
    assert "bokeh_00_01.exr: expected R, G, B (and A) or one channel, got G, R" in messages["277-00-01"]
    write_channels(folder / "depth.exr", RGB=np.stack([ramp, ramp, 2 * ramp], axis=2))
    assert "depth.exr: expected depth, got 3 channels that differ" in damaged.broken("blb@1")["277-00-02"]
    write_channels(folder / "depth.exr", RGBA=np.stack([ramp] * 4, axis=2))  # as Blender writes a grey map
    scene = damaged.open().load("277-00-02")
    np.testing.assert_array_equal(scene.disparity[0].numpy(), 1.0 / ramp)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "depth.exr: 1 values are NaN or infinite"),
        (np.inf, "depth.exr: 1 values are NaN or infinite"),
        (0.0, "depth.exr: expected depths > 0, the least is 0"),
        (-3.0, "depth.exr: expected depths > 0, the least is -3"),
    ],
)
def test_impossible_depths(damaged, value: float, message: str) -> None:
    depth = damaged.ramp(damaged.near, damaged.far)
    depth[4, 4] = value
    write_exr(damaged.folder("277") / "depth.exr", depth, half=False)
    messages = damaged.broken()
    assert len(messages) == 50
    assert all(message in text for text in messages.values())


def test_a_constant_depth(damaged) -> None:
    write_exr(damaged.folder("277") / "depth.exr", np.full((damaged.height, damaged.width), 3.0), half=False)
    assert "depth.exr: every depth is 3" in damaged.broken()["277-00-00"]


def test_a_sky_at_the_largest_half_is_fine(damaged) -> None:
    depth = damaged.ramp(damaged.near, damaged.far)
    depth[0] = 65504.0
    write_exr(damaged.folder("277") / "depth.exr", depth)
    assert float(damaged.open().load("277-00-00").disparity.min()) == pytest.approx(1 / 65504.0)


def test_colours_that_are_not_finite(damaged) -> None:
    write_exr(damaged.folder("277") / "bokeh_00_00.exr", np.full((damaged.height, damaged.width, 3), np.nan))
    assert "bokeh_00_00.exr: 360 values are NaN or infinite" in damaged.broken()["277-00-00"]


def test_pictures_of_another_size(damaged) -> None:
    folder = damaged.folder("277")
    write_exr(folder / "bokeh_00_00.exr", np.zeros((damaged.height, damaged.width + 2, 3)))
    assert list(damaged.broken()) == ["277-00-00"]
    (folder / "info.json").write_text(json.dumps(damaged.info | {"resolution_x": 1920, "resolution_y": 1080}))
    assert "12x10 px, info.json says 1920x1080" in damaged.broken()["277-00-01"]


def without(info: dict, missing: str) -> dict:
    return {key: value for key, value in info.items() if key != missing}


@pytest.mark.parametrize(
    ("describe", "message"),
    [
        (lambda info: without(info, "focus_distances"), "expected a list 'focus_distances', the file has resolution_x"),
        (lambda info: without(info, "blur_parameters"), "expected a list 'blur_parameters'"),
        (lambda info: info | {"blur_parameters": 3.0}, "expected a list 'blur_parameters'"),
        (lambda info: info | {"focus_distances": [1.0, 0.0]}, "'focus_distances': expected numbers > 0"),
        (lambda info: info | {"focus_distances": ["near"]}, "'focus_distances': expected numbers > 0"),
        (
            lambda info: info | {"blur_parameters": [math.nan]},
            "expected the scene's description: blur_parameters: NaN: expected numbers",
        ),
        (lambda info: [1, 2], "expected the scene's description as an object, got a list"),
    ],
)
def test_a_wrong_description_costs_its_scene(damaged, describe: Callable[[dict], object], message: str) -> None:
    expect_unreadable(damaged, json.dumps(describe(damaged.info)), message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected the scene's description: Expecting property name"),
        ("", "expected the scene's description"),
    ],
)
def test_a_damaged_description_costs_its_scene(damaged, text: str, message: str) -> None:
    expect_unreadable(damaged, text, message)


def expect_unreadable(damaged, text: str, message: str) -> None:
    (damaged.folder("277") / "info.json").write_text(text)
    messages = damaged.broken()
    assert set(messages) == {f"277-{level:02d}-{focus:02d}" for level in range(5) for focus in range(10)}
    assert all(f"277/info.json: {message}" in found for found in messages.values())


def test_only_the_keys_that_are_used_are_needed(damaged) -> None:
    info = {key: damaged.info[key] for key in ("focus_distances", "blur_parameters")} | {"camera": {"name": "b"}}
    (damaged.folder("277") / "info.json").write_text(json.dumps(info))
    assert damaged.broken() == {}


def test_fewer_focus_distances_than_pictures(damaged) -> None:
    info = damaged.info | {"focus_distances": damaged.info["focus_distances"][:8]}
    (damaged.folder("277") / "info.json").write_text(json.dumps(info))
    messages = damaged.broken("blb@3")
    assert set(messages) == {"277-02-08", "277-02-09"}
    assert "expected level < 5 (blur_parameters) and focus < 8 (focus_distances), got 2 and 9" in messages["277-02-09"]


def test_a_folder_without_a_number(damaged) -> None:
    damaged.folder("277").rename(damaged.root / "blb" / "277-copy")
    (damaged.root / "blb" / "previews").mkdir()  # nothing in it looks like a scene
    (damaged.root / "blb" / "README.txt").write_text("not a folder")
    dataset = damaged.open("blb@1")
    assert [name.partition("-")[0] for name in dataset.scene_names()] == ["1000"] * 10, "a copy is no scene"
    assert dataset.passed_over == ["277-copy"]
    damaged.folder("1000").rename(damaged.root / "blb" / "1000-copy")
    with pytest.raises(MissingDataError, match=r"named by a number .*\(passed over: 277-copy, 1000-copy\)"):
        damaged.open("blb@1").prepare()


def test_what_cannot_be_looked_into_is_one_failed_case(damaged) -> None:
    root = damaged.root / "blb"
    (root / "5").write_text("a file where a folder belongs")
    (root / "6").symlink_to(root / "gone")
    (root / "7").symlink_to(root / "7")
    os.mkfifo(root / "8")
    (root / "._9").mkdir()
    (root / "10").mkdir()
    dataset = damaged.open("blb@1")
    assert dataset.scene_names()[-4:] == ["5", "6", "7", "8"]
    assert dataset.passed_over == ["10"]
    assert dataset.cluster("5") == "5"
    messages = damaged.broken("blb@1")
    assert list(messages) == ["5", "6", "7", "8"]
    assert all(f"blb/{name}: expected a folder, found none" in text for name, text in messages.items())


def test_a_description_that_is_a_named_pipe_costs_its_scene(damaged) -> None:
    (damaged.folder("277") / "info.json").unlink()
    os.mkfifo(damaged.folder("277") / "info.json")
    messages = damaged.broken("blb@1")
    assert {name.partition("-")[0] for name in messages} == {"277"}
    assert "info.json: expected the scene's description: it is a named pipe" in messages["277-00-00"]


def test_a_damaged_scene_is_a_failed_case_and_the_run_goes_on(damaged, tmp_path: Path) -> None:
    truncate(damaged.folder("277") / "bokeh_00_01.exr")
    dataset = damaged.open("blb@1")
    metric = load_metric("psnr")
    metric.prepare("cpu", None)
    cases = expand_cases(
        [PlannedRenderer(name="identity")],
        [PlannedDataset(name="blb@1", scenes=dict.fromkeys(dataset.scene_names(), ""))],
    )
    rows = Runner(tmp_path, {"blb@1": dataset}, [metric], load_renderer, "here").run(cases)
    failed = [row for row in rows if row["status"] != "ok"]
    assert [(row["scene"], row["status"]) for row in failed] == [("277-00-01", "failed")]
    assert "bokeh_00_01.exr" in failed[0]["reason"]
    assert len(rows) == 20


def test_a_wrong_disparity_of_any_kind_is_read_and_of_two_none_is_guessed(damaged) -> None:
    folder = damaged.folder("277")
    wrong = damaged.ramp(0.125, 0.5)
    tifffile.imwrite(folder / "disparity_tiff.tif", wrong)
    (folder / "disparity_tiff.jpg").write_bytes(b"a picture of it")
    tifffile.imwrite(folder / "disparity_levels.tif", np.round(damaged.ramp(0.0, 65535.0)).astype(np.uint16))
    dataset = damaged.open("blb-corrupted@1")
    np.testing.assert_array_equal(dataset.load("277-00-00-tiff").disparity[0].numpy(), wrong)
    np.testing.assert_allclose(dataset.load("277-00-00-levels").disparity[0].numpy(), wrong, atol=1e-5)
    np.save(folder / "disparity_tiff.npy", wrong)
    message = damaged.broken("blb-corrupted@1")["277-00-00-tiff"]
    assert "expected one map disparity_tiff.*, got disparity_tiff.npy and disparity_tiff.tif" in message


def test_depth_beside_colours_is_found_by_its_name(damaged) -> None:
    """Blender writes both into one file."""
    folder = damaged.folder("277")
    depth = damaged.ramp(damaged.near, damaged.far)
    grey = np.full(depth.shape, 0.5, np.float32)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"R": grey, "G": grey, "B": grey, "Z": depth}).write(str(folder / "depth.exr"))
    np.testing.assert_array_equal(damaged.open().load("277-00-00").disparity[0].numpy(), 1.0 / depth)


def test_a_transparent_picture_is_a_failed_case(damaged) -> None:
    folder = damaged.folder("277")
    rgba = np.ones((damaged.height, damaged.width, 4), np.float32)
    rgba[2, 3, 3] = 0.0
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"RGBA": rgba}).write(str(folder / "bokeh_00_00.exr"))
    assert "expected an opaque picture, this one is transparent" in damaged.broken()["277-00-00"]
