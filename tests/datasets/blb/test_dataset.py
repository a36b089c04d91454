"""BLB's layout in miniature, read back to known numbers."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bokehbench.core.errors import MissingDataError, UnknownNameError
from bokehbench.datasets.blb.dataset import normalise_disparity
from bokehbench.datasets.catalogue import DATASETS, load_dataset
from bokehbench.datasets.files.exr import write_exr


def test_reads_back_known_numbers(intact) -> None:
    scene = intact.open().load("277-03-09")
    assert scene.name == "277-03-09"
    assert scene.gamma == 2.2
    assert scene.focus_disparity == pytest.approx(1.0 / intact.near)
    assert scene.blur_strength == pytest.approx(40.0 / (1.0 / intact.near - 1.0 / intact.far))
    assert scene.disparity[0, 0].tolist() == [0.5] * 6 + [0.125] * 6
    assert scene.defocus[0, 0].tolist() == pytest.approx([0.0] * 6 + [-40.0] * 6, abs=1e-3)
    assert scene.image[:, 3, 2].tolist() == pytest.approx([0.125 ** (1 / 2.2)] * 3, rel=1e-4)
    assert scene.image[:, 0, 0].tolist() == pytest.approx([4.0 ** (1 / 2.2), 0.25 ** (1 / 2.2), 0.0], rel=1e-4)
    assert scene.target is not None
    assert float(scene.target[0, 5, 5]) == pytest.approx(0.84 ** (1 / 2.2), rel=1e-5)


def test_ground_truth_is_clipped(intact) -> None:
    target = intact.open().load("277-04-09").target  # 1.09 in the file
    assert target is not None
    assert float(target.max()) == 1.0


def test_all_pictures_of_all_levels_in_order(intact) -> None:
    dataset = intact.open()
    names = list(dataset.scene_names())
    assert len(names) == 2 * 5 * 10
    assert names[0] == "277-00-00"
    assert names[10] == "277-01-00"
    assert names[50] == "1000-00-00"  # by number, not by letter
    assert {dataset.cluster(name) for name in names} == {"277", "1000"}
    assert intact.broken() == {}


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_a_level_has_its_radius(intact, level: int) -> None:
    dataset = intact.open(f"blb@{level}")
    assert len(dataset.scene_names()) == 20
    assert f"level {level}" in dataset.protocol
    radii = [float(dataset.load(name).defocus.abs().max()) for name in dataset.scene_names()]
    assert max(radii) == pytest.approx(10.0 * level, rel=1e-5)


def test_every_name_is_registered() -> None:
    for base in ("blb", "blb-normalised", "blb-corrupted"):
        assert {base, *(f"{base}@{level}" for level in range(1, 6))} <= set(DATASETS.entries)


def test_normalised_disparity_blurs_alike(intact) -> None:
    plain, normalised = intact.open().load("277-02-03"), intact.open("blb-normalised@3").load("277-02-03")
    assert (float(normalised.disparity.min()), float(normalised.disparity.max())) == (0.0, 1.0)
    assert normalised.blur_strength == pytest.approx(30.0)
    torch.testing.assert_close(normalised.defocus, plain.defocus, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(normalise_disparity(normalised).disparity, normalised.disparity)


def test_wrong_disparities_replace_the_true_one(damaged) -> None:
    folder = damaged.folder("277")
    wrong = damaged.ramp(0.125, 0.5)
    write_exr(folder / "disparity_00.exr", wrong, half=False)
    np.save(folder / "disparity_01.npy", wrong[:, ::-1])
    dataset = damaged.open("blb-corrupted@5")
    assert list(dataset.scene_names())[:2] == ["277-04-00-00", "277-04-00-01"]
    assert len(dataset.scene_names()) == 20  # the other folder has none
    scene, true = dataset.load("277-04-02-01"), damaged.open().load("277-04-02")
    np.testing.assert_array_equal(scene.disparity[0].numpy(), wrong[:, ::-1])
    assert scene.focus_disparity == true.focus_disparity
    assert torch.equal(scene.image, true.image)
    assert len(damaged.open().scene_names()) == 100


def test_wrong_disparities_on_another_scale(damaged) -> None:
    folder = damaged.folder("277")
    ramp = np.linspace(0, 255, damaged.width).astype(np.uint8)
    Image.fromarray(np.tile(ramp, (damaged.height, 1))).save(folder / "disparity_png.png")
    np.save(folder / "disparity_pixels.npy", np.tile(ramp, (damaged.height, 1)).astype(np.float32))
    dataset = damaged.open("blb-corrupted@1")
    scene = dataset.load("277-00-00-png")
    assert (float(scene.disparity.min()), float(scene.disparity.max())) == pytest.approx((0.125, 0.5))
    with pytest.raises(MissingDataError, match=r"disparity_pixels\.npy: its median .* expected 1/depth"):
        dataset.load("277-00-00-pixels")


def test_without_wrong_disparities_one_line_says_so(intact) -> None:
    with pytest.raises(MissingDataError, match=r"no file disparity_\* in any of 2 scene folders"):
        intact.open("blb-corrupted")


@pytest.mark.parametrize("name", ["blb@5", "pathtraced"])
def test_an_absent_copy_is_one_line_with_the_remedy(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty" / name.partition("@")[0]).mkdir(parents=True)
    for root in (None, tmp_path, tmp_path / "empty"):
        with pytest.raises(MissingDataError, match=r"python -m bokehbench\.datasets\.pathtraced") as caught:
            load_dataset(name, root).prepare()
        assert "\n" not in str(caught.value)


def test_a_replaced_file_changes_the_pictures_that_need_it(damaged) -> None:
    names = damaged.open().scene_names()
    before = damaged.open().contents(names)
    assert before == damaged.open().contents(names)
    (damaged.folder("277") / "._image.exr").write_text("x")
    (damaged.folder("277") / "notes.txt").write_text("x")
    write_exr(damaged.folder("277") / "bokeh_04_09.exr", np.zeros((damaged.height, damaged.width, 3)))
    after = damaged.open().contents(names)
    assert [name for name in names if after[name] != before[name]] == ["277-04-09"]
    assert after["277-04-09"]["depth"] == before["277-04-09"]["depth"]
    write_exr(damaged.folder("277") / "depth.exr", np.ones((damaged.height, damaged.width, 1)))
    again = damaged.open().contents(names)
    assert {name.partition("-")[0] for name in names if again[name] != after[name]} == {"277"}


def test_an_unknown_picture_is_named(intact) -> None:
    for name in ("277-05-00", "../277-00-00", "277"):
        with pytest.raises(UnknownNameError, match=name):
            intact.open().load(name)


PEAKS = """
import sys, tracemalloc
from pathlib import Path
from bokehbench.datasets.blb.dataset import Blb

dataset = Blb("blb", Path(sys.argv[1]))
names = dataset.scene_names()

def peak(count):
    tracemalloc.start()
    for name in names[:count]:
        dataset.load(name)
    highest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return highest

peak(1)  # what is imported or compiled at first use
print(peak(100), peak(1))
"""


def test_memory_holds_one_picture_at_a_time(intact) -> None:
    """In a process of its own: what other threads of the tests' process allocate meanwhile counts, too."""
    done = subprocess.run([sys.executable, "-c", PEAKS, intact.root], capture_output=True, text=True, check=True)
    many, one = map(int, done.stdout.split())
    inputs_alone = 100 * intact.height * intact.width * 3 * 4
    assert many < one + inputs_alone / 10
