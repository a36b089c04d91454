"""BLB's layout in miniature, read back to known numbers; what is damaged costs its own pictures only."""

import json
import math
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import torch
from PIL import Image

from bokehbench.benchmarks.cases import expand_cases
from bokehbench.benchmarks.metrics.registry import load_metric
from bokehbench.benchmarks.runner import Runner
from bokehbench.datasets.blb import Blb, BlbLayout, normalise_disparity
from bokehbench.datasets.catalogue import DATASETS, load_dataset
from bokehbench.datasets.exr import write_exr
from bokehbench.datasets.layers import Layer, LayeredScene, Plane
from bokehbench.datasets.pathtraced.dataset import PathTraced
from bokehbench.datasets.ray_tracer import trace
from bokehbench.renderers.errors import BokehBenchError, MissingDataError, UnknownNameError
from bokehbench.renderers.registry import load_renderer

HEIGHT, WIDTH = 10, 12
NEAR, FAR = 2.0, 8.0
RADII = np.linspace(10.0, 50.0, 5)
FOCUS_DISTANCES = (1.0 / np.linspace(1.0 / FAR, 1.0 / NEAR, 10)).tolist()
INFO = {
    "resolution_x": WIDTH,
    "resolution_y": HEIGHT,
    "focal_length": 50.0,
    "sensor_width": 36.0,
    "focus_distances": FOCUS_DISTANCES,
    "f_stops": [1.0] * 5,
    "blur_parameters": (RADII / (1.0 / NEAR - 1.0 / FAR)).tolist(),
}


def write_scene(folder: Path, levels: int = 5, focuses: int = 10, **changes: object) -> Path:
    """A dark left half near, a bright right half far, one value above 1; target (l, f) is the constant l/4 + f/100."""
    folder.mkdir(parents=True)
    image = np.full((HEIGHT, WIDTH, 3), 0.125)
    image[:, WIDTH // 2 :] = 0.5
    image[0, 0] = (4.0, 0.25, 0.0)
    depth = np.full((HEIGHT, WIDTH), NEAR)
    depth[:, WIDTH // 2 :] = FAR
    write_exr(folder / "image.exr", image)
    write_exr(folder / "depth.exr", depth, half=False)
    for level in range(levels):
        for focus in range(focuses):
            target = np.full((HEIGHT, WIDTH, 3), level / 4.0 + focus / 100.0)
            write_exr(folder / f"bokeh_{level:02d}_{focus:02d}.exr", target, half=False)
    (folder / "info.json").write_text(json.dumps(INFO | changes))
    return folder


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for number in ("277", "1000"):
        write_scene(root / "blb" / number)
    return root


@pytest.fixture
def root(intact: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    shutil.copytree(intact, tmp_path / "data")
    return tmp_path / "data"


def opened(root: Path, name: str = "blb") -> BlbLayout:
    dataset = load_dataset(name, root)
    assert isinstance(dataset, BlbLayout)
    dataset.prepare()
    return dataset


def broken(dataset: BlbLayout) -> dict[str, str]:
    """Load everything; return the messages of what failed."""
    messages = {}
    for name in dataset.scene_names():
        try:
            dataset.load(name)
        except BokehBenchError as error:
            messages[name] = str(error)
    assert all("\n" not in message for message in messages.values())
    return messages


def test_reads_back_known_numbers(intact: Path) -> None:
    scene = opened(intact).load("277-03-09")
    assert scene.name == "277-03-09"
    assert scene.gamma == 2.2
    assert scene.focus_disparity == pytest.approx(1.0 / NEAR)
    assert scene.blur_strength == pytest.approx(40.0 / (1.0 / NEAR - 1.0 / FAR))
    assert scene.disparity[0, 0].tolist() == [0.5] * 6 + [0.125] * 6
    assert scene.defocus[0, 0].tolist() == pytest.approx([0.0] * 6 + [-40.0] * 6, abs=1e-3)
    assert scene.image[:, 3, 2].tolist() == pytest.approx([0.125 ** (1 / 2.2)] * 3, rel=1e-4)
    assert scene.image[:, 0, 0].tolist() == pytest.approx([4.0 ** (1 / 2.2), 0.25 ** (1 / 2.2), 0.0], rel=1e-4)
    assert scene.target is not None
    assert float(scene.target[0, 5, 5]) == pytest.approx(0.84 ** (1 / 2.2), rel=1e-5)


def test_ground_truth_is_clipped(intact: Path) -> None:
    target = opened(intact).load("277-04-09").target  # 1.09 in the file
    assert target is not None
    assert float(target.max()) == 1.0


def test_all_pictures_of_all_levels_in_order(intact: Path) -> None:
    dataset = opened(intact)
    names = list(dataset.scene_names())
    assert len(names) == 2 * 5 * 10
    assert names[0] == "277-00-00"
    assert names[10] == "277-01-00"
    assert names[50] == "1000-00-00"  # by number, not by letter
    assert {dataset.cluster(name) for name in names} == {"277", "1000"}
    assert broken(dataset) == {}


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_a_level_has_its_radius(intact: Path, level: int) -> None:
    dataset = opened(intact, f"blb@{level}")
    assert len(dataset.scene_names()) == 20
    assert f"level {level}" in dataset.protocol
    radii = [float(dataset.load(name).defocus.abs().max()) for name in dataset.scene_names()]
    assert max(radii) == pytest.approx(10.0 * level, rel=1e-5)


def test_every_name_is_registered() -> None:
    for base in ("blb", "blb-normalised", "blb-corrupted"):
        assert {base, *(f"{base}@{level}" for level in range(1, 6))} <= set(DATASETS.entries)


def test_normalised_disparity_blurs_alike(intact: Path) -> None:
    plain, normalised = opened(intact).load("277-02-03"), opened(intact, "blb-normalised@3").load("277-02-03")
    assert (float(normalised.disparity.min()), float(normalised.disparity.max())) == (0.0, 1.0)
    assert normalised.blur_strength == pytest.approx(30.0)
    torch.testing.assert_close(normalised.defocus, plain.defocus, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(normalise_disparity(normalised).disparity, normalised.disparity)


def test_wrong_disparities_replace_the_true_one(root: Path) -> None:
    folder = root / "blb" / "277"
    wrong = np.linspace(0.125, 0.5, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.float32)
    write_exr(folder / "disparity_00.exr", wrong, half=False)
    np.save(folder / "disparity_01.npy", wrong[:, ::-1])
    dataset = opened(root, "blb-corrupted@5")
    assert list(dataset.scene_names())[:2] == ["277-04-00-00", "277-04-00-01"]
    assert len(dataset.scene_names()) == 20  # the other folder has none
    scene, true = dataset.load("277-04-02-01"), opened(root).load("277-04-02")
    np.testing.assert_array_equal(scene.disparity[0].numpy(), wrong[:, ::-1])
    assert scene.focus_disparity == true.focus_disparity
    assert torch.equal(scene.image, true.image)
    assert len(opened(root).scene_names()) == 100


def test_wrong_disparities_on_another_scale(root: Path) -> None:
    folder = root / "blb" / "277"
    ramp = np.linspace(0, 255, WIDTH).astype(np.uint8)
    Image.fromarray(np.tile(ramp, (HEIGHT, 1))).save(folder / "disparity_png.png")
    np.save(folder / "disparity_pixels.npy", np.tile(ramp, (HEIGHT, 1)).astype(np.float32))
    dataset = opened(root, "blb-corrupted@1")
    scene = dataset.load("277-00-00-png")
    assert (float(scene.disparity.min()), float(scene.disparity.max())) == pytest.approx((0.125, 0.5))
    with pytest.raises(MissingDataError, match=r"disparity_pixels\.npy: its median .* expected 1/depth"):
        dataset.load("277-00-00-pixels")


def test_without_wrong_disparities_one_line_says_so(intact: Path) -> None:
    with pytest.raises(MissingDataError, match=r"no file disparity_\* in any of 2 scene folders"):
        opened(intact, "blb-corrupted")


@pytest.mark.parametrize("name", ["blb@5", "pathtraced"])
def test_an_absent_copy_is_one_line_with_the_remedy(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty" / name.partition("@")[0]).mkdir(parents=True)
    for root in (None, tmp_path, tmp_path / "empty"):
        with pytest.raises(MissingDataError, match=r"python -m bokehbench\.datasets\.pathtraced") as caught:
            load_dataset(name, root).prepare()
        assert "\n" not in str(caught.value)


def test_a_replaced_file_is_another_version(root: Path) -> None:
    before = opened(root).version
    assert before == opened(root).version
    write_exr(root / "blb" / "277" / "bokeh_04_09.exr", np.zeros((HEIGHT, WIDTH, 3)))
    assert opened(root).version != before


def test_an_unknown_picture_is_named(intact: Path) -> None:
    for name in ("277-05-00", "../277-00-00", "277"):
        with pytest.raises(UnknownNameError, match=name):
            opened(intact).load(name)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def test_a_truncated_picture_costs_itself(root: Path) -> None:
    truncate(root / "blb" / "277" / "bokeh_01_02.exr")
    assert list(broken(opened(root))) == ["277-01-02"]
    truncate(root / "blb" / "1000" / "image.exr")
    messages = broken(opened(root, "blb@2"))
    assert len(messages) == 11
    assert "277/bokeh_01_02.exr: truncated" in messages["277-01-02"]
    assert "1000/image.exr: truncated" in messages["1000-01-02"]


def test_one_file_of_a_pair_is_missing(root: Path) -> None:
    (root / "blb" / "277" / "bokeh_00_07.exr").unlink()
    (root / "blb" / "1000" / "depth.exr").unlink()
    messages = broken(opened(root, "blb@1"))
    assert set(messages) == {"277-00-07"} | {f"1000-00-{focus:02d}" for focus in range(10)}
    assert "bokeh_00_07.exr: expected an OpenEXR file, found none" in messages["277-00-07"]
    assert "depth.exr: expected an OpenEXR file, found none" in messages["1000-00-00"]


def write_channels(path: Path, **channels: np.ndarray) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, channels).write(str(path))


def test_wrong_channel_counts(root: Path) -> None:
    ramp = np.linspace(1.0, 2.0, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.float32)
    folder = root / "blb" / "277"
    write_channels(folder / "bokeh_00_00.exr", Y=ramp)
    write_channels(folder / "bokeh_00_01.exr", R=ramp, G=ramp)
    messages = broken(opened(root, "blb@1"))
    assert "bokeh_00_00.exr: expected the channels R, G, B, got 1" in messages["277-00-00"]
    assert "bokeh_00_01.exr: expected R, G, B (and A) or one channel, got G, R" in messages["277-00-01"]
    write_channels(folder / "depth.exr", RGB=np.stack([ramp, ramp, 2 * ramp], axis=2))
    assert "depth.exr: expected depth, got 3 channels that differ" in broken(opened(root, "blb@1"))["277-00-02"]
    write_channels(folder / "depth.exr", RGBA=np.stack([ramp] * 4, axis=2))  # as Blender writes a grey map
    scene = opened(root).load("277-00-02")
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
def test_impossible_depths(root: Path, value: float, message: str) -> None:
    depth = np.linspace(NEAR, FAR, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    depth[4, 4] = value
    write_exr(root / "blb" / "277" / "depth.exr", depth, half=False)
    messages = broken(opened(root))
    assert len(messages) == 50
    assert all(message in text for text in messages.values())


def test_a_constant_depth(root: Path) -> None:
    write_exr(root / "blb" / "277" / "depth.exr", np.full((HEIGHT, WIDTH), 3.0), half=False)
    assert "depth.exr: every depth is 3" in broken(opened(root))["277-00-00"]


def test_a_sky_at_the_largest_half_is_fine(root: Path) -> None:
    depth = np.linspace(NEAR, FAR, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    depth[0] = 65504.0
    write_exr(root / "blb" / "277" / "depth.exr", depth)
    assert float(opened(root).load("277-00-00").disparity.min()) == pytest.approx(1 / 65504.0)


def test_colours_that_are_not_finite(root: Path) -> None:
    write_exr(root / "blb" / "277" / "bokeh_00_00.exr", np.full((HEIGHT, WIDTH, 3), np.nan))
    assert "bokeh_00_00.exr: 360 values are NaN or infinite" in broken(opened(root))["277-00-00"]


def test_pictures_of_another_size(root: Path) -> None:
    folder = root / "blb" / "277"
    write_exr(folder / "bokeh_00_00.exr", np.zeros((HEIGHT, WIDTH + 2, 3)))
    assert list(broken(opened(root))) == ["277-00-00"]
    (folder / "info.json").write_text(json.dumps(INFO | {"resolution_x": 1920, "resolution_y": 1080}))
    assert "12x10 px, info.json says 1920x1080" in broken(opened(root))["277-00-01"]


def without(*keys: str) -> dict:
    return {key: value for key, value in INFO.items() if key not in keys}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps(without("focus_distances")), "expected a list 'focus_distances', the file has resolution_x"),
        (json.dumps(without("blur_parameters")), "expected a list 'blur_parameters'"),
        (json.dumps(INFO | {"blur_parameters": 3.0}), "expected a list 'blur_parameters'"),
        (json.dumps(INFO | {"focus_distances": [1.0, 0.0]}), "'focus_distances': expected numbers > 0"),
        (json.dumps(INFO | {"focus_distances": ["near"]}), "'focus_distances': expected numbers > 0"),
        (json.dumps(INFO | {"blur_parameters": [math.nan]}), "'blur_parameters': expected numbers > 0"),
        ("[1, 2]", "expected the scene's description as an object, got a list"),
        ("{", "expected the scene's description: Expecting property name"),
        ("", "expected the scene's description"),
    ],
)
def test_a_damaged_description_costs_its_scene(root: Path, text: str, message: str) -> None:
    (root / "blb" / "277" / "info.json").write_text(text)
    messages = broken(opened(root))
    assert set(messages) == {f"277-{level:02d}-{focus:02d}" for level in range(5) for focus in range(10)}
    assert all(f"277/info.json: {message}" in found for found in messages.values())


def test_only_the_keys_that_are_used_are_needed(root: Path) -> None:
    info = {key: INFO[key] for key in ("focus_distances", "blur_parameters")} | {"camera": {"name": "b"}}
    (root / "blb" / "277" / "info.json").write_text(json.dumps(info))
    assert broken(opened(root)) == {}


def test_fewer_focus_distances_than_pictures(root: Path) -> None:
    info = INFO | {"focus_distances": FOCUS_DISTANCES[:8]}
    (root / "blb" / "277" / "info.json").write_text(json.dumps(info))
    messages = broken(opened(root, "blb@3"))
    assert set(messages) == {"277-02-08", "277-02-09"}
    assert "expected level < 5 (blur_parameters) and focus < 8 (focus_distances), got 2 and 9" in messages["277-02-09"]


def test_a_folder_without_a_number(root: Path) -> None:
    (root / "blb" / "277").rename(root / "blb" / "277-copy")
    (root / "blb" / "previews").mkdir()  # nothing in it looks like a scene
    (root / "blb" / "README.txt").write_text("not a folder")
    dataset = opened(root, "blb@1")
    messages = broken(dataset)
    assert len(dataset.scene_names()) == 20
    assert len(messages) == 10
    assert "277-copy: expected scene folders named by numbers" in messages["277-copy-00-00"]


def test_a_damaged_scene_is_a_failed_case_and_the_run_goes_on(root: Path, tmp_path: Path) -> None:
    truncate(root / "blb" / "277" / "bokeh_00_01.exr")
    dataset = opened(root, "blb@1")
    metric = load_metric("psnr")
    metric.prepare("cpu", None)
    cases = expand_cases([("identity", None, "cpu")], [("blb@1", dataset.version, dataset.scene_names())])
    rows = Runner(tmp_path, {"blb@1": dataset}, [metric], load_renderer, "here").run(cases)
    failed = [row for row in rows if row["status"] != "ok"]
    assert [(row["scene"], row["status"]) for row in failed] == [("277-00-01", "failed")]
    assert "bokeh_00_01.exr" in failed[0]["reason"]
    assert len(rows) == 20


def test_a_point_light_becomes_a_disc_of_the_formula_s_radius(tmp_path: Path) -> None:
    """The formula of the layout, and the lens of the ray tracer, which knows nothing of it."""
    size, margin, depth, focus, blur = 61, 26, 5.0, 2.5, 60.0
    radius = blur * abs(1.0 / depth - 1.0 / focus)
    colour = np.zeros((size + 2 * margin, size + 2 * margin, 4), np.float32)
    colour[..., 3] = 1.0
    colour[margin + 30, margin + 30, :3] = 400.0
    lens = LayeredScene([Layer(colour, -margin, -margin, Plane(0.0, 0.0, 1.0 / depth))], size, size, 1.0 / focus, blur)
    folder = tmp_path / "pathtraced" / "1"
    folder.mkdir(parents=True)
    depths = np.full((size, size), depth)
    depths[0, 0] = 3.0
    write_exr(folder / "depth.exr", depths, half=False)
    write_exr(folder / "image.exr", colour[margin:-margin, margin:-margin, :3], half=False)
    write_exr(folder / "bokeh_00_00.exr", trace(lens), half=False)
    (folder / "info.json").write_text(json.dumps({"blur_parameters": [blur], "focus_distances": [focus]}))
    scene = opened(tmp_path, "pathtraced").load("1-00-00")
    assert float(scene.defocus[0, 30, 30].abs()) == pytest.approx(radius)
    assert scene.target is not None
    light = scene.target[0].double().numpy() ** 2.2
    y, x = np.mgrid[:size, :size] - 30.0
    spread = (light * (x**2 + y**2)).sum() / light.sum()  # of a disc: r^2 / 2; the bilinear texel adds 1/3
    assert math.sqrt(2.0 * (spread - 1.0 / 3.0)) == pytest.approx(radius, rel=0.02)


def test_pathtraced_reads_every_level_and_focus(tmp_path: Path) -> None:
    info = {"blur_parameters": [10.0, 20.0, 30.0], "focus_distances": [2.0, 8.0]}
    write_scene(tmp_path / "pathtraced" / "100", 3, 2, **info)
    write_scene(tmp_path / "pathtraced" / "101", 1, 2, blur_parameters=[5.0], focus_distances=[3.0, 4.0])
    dataset = opened(tmp_path, "pathtraced")
    assert isinstance(dataset, PathTraced)
    assert len(dataset.scene_names()) == 3 * 2 + 2
    assert broken(dataset) == {}
    (tmp_path / "pathtraced" / "101" / "info.json").unlink()
    messages = broken(opened(tmp_path, "pathtraced"))
    assert set(messages) == {"101-00-00", "101-00-01"}
    assert "101/info.json: expected the scene's description, found none" in messages["101-00-00"]


def test_committed_scenes_are_a_data_set(tmp_path: Path) -> None:
    (tmp_path / "pathtraced").symlink_to(Path(__file__).resolve().parents[1] / "data" / "pathtraced")
    dataset = opened(tmp_path, "pathtraced")
    assert len(dataset.scene_names()) == 16
    assert len({dataset.cluster(name) for name in dataset.scene_names()}) == 8
    assert broken(dataset) == {}


def test_memory_holds_one_picture_at_a_time(intact: Path) -> None:
    dataset = Blb("blb", intact)
    names = dataset.scene_names()

    def peak(count: int) -> int:
        tracemalloc.start()
        for name in names[:count]:
            dataset.load(name)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(1)  # what is imported or compiled at first use
    inputs_alone = 100 * HEIGHT * WIDTH * 3 * 4
    assert peak(100) < peak(1) + inputs_alone / 10
