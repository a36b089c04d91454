"""Generation on small scenes: by several processes, killed and resumed, damaged."""

import dataclasses
import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from bokehbench.core.errors import InvalidSceneError, MissingDataError, UnknownNameError
from bokehbench.datasets.synthetic.cache import CACHE_VARIABLE, cache_folder, decode_row, read_shard, shard_path
from bokehbench.datasets.synthetic.generated_scenes import GeneratedScenes, generate_all, generate_row, recipe_from
from bokehbench.datasets.synthetic.recipes import BACKGROUND, SceneRecipe
from bokehbench.datasets.synthetic.sources import SceneSources

RECIPES = [
    SceneRecipe(
        name=f"small-{index}",
        seed=index,
        background=("coffee", "chelsea")[index % 2],
        cutouts=("lettering",),
        focus=(0, BACKGROUND)[index % 2],
        max_radius_px=4.0 + index,
        height=48,
        width=56,
    )
    for index in range(4)
]


class SmallScenes(GeneratedScenes):
    """Four scenes that take milliseconds."""

    name = "small"
    protocol = "for tests"
    terms = "free"
    version = "1"
    recipes = RECIPES


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return tmp_path


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("data/*.parquet"))}


def test_only_what_is_asked_for_is_generated(cache: Path) -> None:
    dataset = SmallScenes()
    dataset.prepare()
    assert list(dataset.scene_names()) == [f"small-{index}" for index in range(4)]
    assert [dataset.cluster(name) for name in dataset.scene_names()] == ["coffee", "chelsea"] * 2
    assert not list(cache.iterdir())
    scene = dataset.load("small-2")
    assert scene.name == "small-2"
    assert float(scene.defocus.abs().max()) == pytest.approx(6.0, rel=1e-4)
    assert list(shards(cache_folder("small", "1"))) == ["test-00002-of-00004.parquet"]
    with pytest.raises(UnknownNameError, match="small-9"):
        dataset.load("small-9")


def test_what_has_to_be_generated_is_what_the_cache_lacks(cache: Path) -> None:
    dataset = SmallScenes()
    dataset.load("small-1")
    assert dataset.to_generate(["small-0", "small-1"]) == ["small-0"]


def test_the_lazy_way_gives_the_same_scene(cache: Path) -> None:
    dataset = SmallScenes()
    dataset.load("small-1")
    generate_all(cache / "all", RECIPES, 2)
    assert shards(dataset.folder)["test-00001-of-00004.parquet"] == shards(cache / "all")["test-00001-of-00004.parquet"]


def test_a_limit_and_a_later_rest(tmp_path: Path) -> None:
    generate_all(tmp_path, RECIPES, 2)
    first = shards(tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("data/*.parquet")}
    assert len(first) == 2
    generate_all(tmp_path, RECIPES, 4)
    assert len(shards(tmp_path)) == 4
    assert {path: path.stat().st_mtime_ns for path in times} == times  # kept, not made again


LARGER = [
    dataclasses.replace(RECIPES[seed % 4], seed=seed, name=str(seed), height=200, width=200) for seed in range(12)
]
GENERATING = f"""
import sys
from pathlib import Path
from bokehbench.core.commands import ends_in_one_line
from bokehbench.datasets.synthetic.generated_scenes import generate_all, recipe_from
if __name__ == "__main__":
    recipes = [recipe_from(values) for values in {[dataclasses.asdict(recipe) for recipe in LARGER]!r}]
    folder = Path(sys.argv[1])
    sys.exit(ends_in_one_line("x", "go on")(lambda: generate_all(folder, recipes, len(recipes), workers=2) and 0)())
"""


def end_generating(folder: Path, number: signal.Signals, stored: int) -> int:
    """Start the command, end it once it stored so many, see that its two workers end, too; return its exit code."""
    script = folder / "generating.py"
    script.write_text(GENERATING)
    command = [sys.executable, str(script), str(folder / "set")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    first = [shard_path(folder / "set", index, len(LARGER)) for index in range(stored)]
    while not all(path.exists() for path in first):
        assert process.poll() is None
        time.sleep(0.01)
    workers = [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert "Traceback" not in said
    assert len(workers) == 2
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []
    return process.returncode


def test_a_killed_run_goes_on_where_it_stopped_and_its_workers_made_what_one_process_makes(tmp_path: Path) -> None:
    assert end_generating(tmp_path, signal.SIGKILL, stored=4) == -signal.SIGKILL
    left = shards(tmp_path / "set")
    assert 0 < len(left) < len(LARGER)
    generate_all(tmp_path / "set", LARGER, len(LARGER))
    finished = shards(tmp_path / "set")
    assert len(finished) == len(LARGER)
    assert {name: finished[name] for name in left} == left
    assert generate_all(tmp_path / "alone", LARGER, 4) == []  # one of each kind, all of which the workers had made
    alone = shards(tmp_path / "alone")
    assert len(alone) == 4
    assert alone == {name: left[name] for name in alone}


def test_workers_end_with_a_command_that_gets_a_signal(tmp_path: Path) -> None:
    assert end_generating(tmp_path, signal.SIGTERM, stored=1) == 128 + signal.SIGTERM


def test_a_scene_that_cannot_be_made_is_named_and_the_rest_is_made(tmp_path: Path) -> None:
    hidden = dataclasses.replace(RECIPES[0], cutouts=("wire", "lettering"), focus=1, name="hidden")

    assert generate_all(tmp_path, [hidden, *RECIPES[1:]], 4, sources=_OPAQUE) == [
        "scene 'hidden': layer 1 is to be in focus, but it is hidden"
    ]
    assert len(shards(tmp_path)) == 3


class _Opaque(SceneSources):
    """Every foreground fills its box."""

    def cutout(self, name: str, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
        return np.full((height, width, 4), (0.2, 0.3, 0.4, 1.0), np.float32)


_OPAQUE = _Opaque({}, {})


def test_hugging_face_reads_the_folder(tmp_path: Path) -> None:
    from datasets import load_dataset  # here: it takes a second

    generate_all(tmp_path / "set", RECIPES, 4)
    found = load_dataset(str(tmp_path / "set"), split="test", cache_dir=str(tmp_path / "hub"))
    assert found["name"] == [recipe.name for recipe in RECIPES]
    scene = read_shard(shard_path(tmp_path / "set", 3, 4), RECIPES[3].name)
    assert np.array_equal(np.asarray(found[3]["target"]), np.round(scene.target.permute(1, 2, 0).numpy() * 255.0))
    assert recipe_from(json.loads(found[3]["recipe"])) == RECIPES[3]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("in the way")
    with pytest.raises(MissingDataError, match="cannot write the scene"):
        generate_all(tmp_path / "set", RECIPES, 1)


@pytest.mark.parametrize("values", [{}, {"cutouts": ["hair"]}, {"cutouts": 3}, {"cutouts": [], "camera": 1}])
def test_what_is_no_recipe(values: dict) -> None:
    with pytest.raises(InvalidSceneError, match="expected a scene's recipe"):
        recipe_from(values)


@pytest.mark.parametrize("radius", [8.0, 14.0])
def test_a_point_light_becomes_a_disc_of_its_radius(radius: float, tmp_path: Path) -> None:
    """One bright pixel in the background, all the way through generation, storage and reading."""
    recipe = dataclasses.replace(RECIPES[0], focus=0, max_radius_px=radius, height=96, width=96)
    scene = decode_row(generate_row(recipe, _PointLight({}, {})), tmp_path)
    assert scene.target is not None
    brightness, row, column = max(
        (float(scene.image[0, y, x]), y, x) for y in range(scene.height) for x in range(scene.width)
    )
    assert brightness > 0.9
    expected = float(scene.defocus[0, row, column].abs())
    assert expected > 0.8 * radius
    light = (scene.target[0].double() ** scene.gamma).numpy()
    y, x = np.mgrid[: scene.height, : scene.width]
    distance = np.hypot(y - row, x - column)
    lit = light > 0.5 * np.median(light[distance < 0.6 * expected])
    assert math.sqrt(lit.sum() / math.pi) == pytest.approx(expected, rel=0.05)


class _PointLight(SceneSources):
    """A foreground without extent worth seeing, and a dark background with one bright square."""

    def photograph(self, name: str) -> np.ndarray:
        picture = np.zeros((400, 400, 3), np.uint8)
        picture[::110, ::110] = 255
        return picture

    def cutout(self, name: str, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
        rgba = np.zeros((height, width, 4), np.float32)
        rgba[:12, :12, 3] = 1.0
        return rgba
