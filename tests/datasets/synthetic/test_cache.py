import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
import torch

from bokehbench.core.errors import DamagedDataError, MissingDataError
from bokehbench.datasets.synthetic.cache import (
    CACHE_VARIABLE,
    COLUMNS,
    cache_folder,
    encode_row,
    ensure_shard,
    is_stored,
    make_schema,
    read_shard,
    remove_earlier,
    shard_path,
)

RNG = np.random.default_rng(0)
IMAGE, TARGET = (RNG.integers(0, 256, (2, 12, 17, 3)) / 255.0).astype(np.float32)
DISPARITY = RNG.random((12, 17)).astype(np.float32)

KILLED_RUN = """
import os, sys
from pathlib import Path
from bokehbench.datasets.synthetic import cache as scene_cache

def die(table, file, **options):
    file.write(b"half")
    file.flush()
    os._exit(9)

row = {name: None for name in scene_cache.COLUMNS}
scene_cache.pyarrow.parquet.write_table = die
scene_cache.ensure_shard(Path(sys.argv[1]), lambda: row)
"""


def row(index: int = 0) -> dict[str, Any]:
    return encode_row(
        f"scene-{index}",
        IMAGE,
        TARGET,
        DISPARITY + index,
        focus_disparity=0.25,
        blur_strength=7.5,
        gamma=2.2,
        recipe="{}",
    )


def test_round_trip_is_exact(tmp_path: Path) -> None:
    path = shard_path(tmp_path / "set" / "1", 1, 2)
    ensure_shard(path, lambda: row(1))
    scene = read_shard(path, "scene-1")
    assert (scene.name, scene.focus_disparity, scene.blur_strength, scene.gamma) == ("scene-1", 0.25, 7.5, 2.2)
    np.testing.assert_array_equal(scene.image.permute(1, 2, 0).numpy(), IMAGE)
    assert scene.target is not None
    np.testing.assert_array_equal(scene.target.permute(1, 2, 0).numpy(), TARGET)
    np.testing.assert_array_equal(scene.disparity[0].numpy(), DISPARITY + 1)
    assert scene.disparity.dtype == torch.float32


def test_hugging_face_reads_a_folder_of_shards(tmp_path: Path) -> None:
    for index in range(3):
        ensure_shard(shard_path(tmp_path / "set", index, 3), lambda index=index: row(index))
    from datasets import load_dataset  # here: it takes a second

    found = load_dataset(str(tmp_path / "set"), split="test", cache_dir=str(tmp_path / "hub"))
    assert found["name"] == ["scene-0", "scene-1", "scene-2"]
    np.testing.assert_array_equal(np.asarray(found[2]["image"]), np.round(IMAGE * 255.0))
    np.testing.assert_array_equal(np.frombuffer(found[2]["disparity"], "<f4").reshape(12, 17), DISPARITY + 2)


def test_equal_scenes_are_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        ensure_shard(tmp_path / name, row)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def fail() -> dict[str, Any]:
    raise RuntimeError("interrupted")


def test_what_is_cached_is_not_generated_again(tmp_path: Path) -> None:
    path = tmp_path / "1.parquet"
    ensure_shard(path, row)
    stored = path.read_bytes()
    ensure_shard(path, fail)
    assert path.read_bytes() == stored


def test_scenes_of_an_earlier_version_are_named_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "1.parquet"
    table = pyarrow.Table.from_pylist([row()], schema=make_schema()).drop_columns(["digest"])
    pyarrow.parquet.write_table(table, path)
    assert not is_stored(path)
    with pytest.raises(DamagedDataError, match=r"1\.parquet: stored by an earlier version: give .* --output DIR again"):
        read_shard(path, "scene-0")
    ensure_shard(path, row)
    assert is_stored(path)
    assert read_shard(path, "scene-0").name == "scene-0"


def test_the_earlier_folder_in_the_cache_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    kept = cache_folder("set", "1")
    for folder in (kept, kept.parent / "1"):
        folder.mkdir(parents=True)
    remove_earlier("set", "1")
    assert [folder.name for folder in kept.parent.iterdir()] == [kept.name]


def test_a_killed_run_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    path = tmp_path / "1.parquet"
    killed = subprocess.run([sys.executable, "-c", KILLED_RUN, str(path)], check=False, timeout=120)
    assert killed.returncode == 9
    assert not path.exists()
    ensure_shard(path, row)
    assert read_shard(path, "scene-0").name == "scene-0"


def test_a_failing_generator_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="interrupted"):
        ensure_shard(tmp_path / "1.parquet", fail)
    assert not (tmp_path / "1.parquet").exists()


def test_parallel_runs_generate_once(tmp_path: Path) -> None:
    calls = []

    def counted() -> dict[str, Any]:
        calls.append(1)
        return row()

    path = tmp_path / "1.parquet"
    threads = [threading.Thread(target=ensure_shard, args=(path, counted)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(calls) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["1.parquet"]


def test_damage_is_named_with_its_remedy(tmp_path: Path) -> None:
    path = tmp_path / "1.parquet"
    with pytest.raises(MissingDataError, match=r"1\.parquet: this scene is not generated yet"):
        read_shard(path, "scene-0")
    ensure_shard(path, lambda: {**row(), "disparity": row()["disparity"][:-3]})
    with pytest.raises(DamagedDataError, match="delete it"):
        read_shard(path, "scene-0")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DamagedDataError, match=r"1\.parquet: damaged .* delete it"):
        read_shard(path, "scene-0")


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
def test_an_unwritable_cache_is_a_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(MissingDataError, match=CACHE_VARIABLE):
        ensure_shard(tmp_path / "set" / "1.parquet", row)


def test_a_file_in_the_cache_s_place_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("in the way")
    with pytest.raises(MissingDataError, match=CACHE_VARIABLE):
        ensure_shard(tmp_path / "set" / "1.parquet", row)


def test_another_scenes_file_is_no_scene(tmp_path: Path) -> None:
    path = tmp_path / "1.parquet"
    ensure_shard(path, row)
    with pytest.raises(DamagedDataError, match=r"1\.parquet: damaged \(expected the scene scene-1, .*delete it"):
        read_shard(path, "scene-1")


def test_the_schema_is_that_of_hugging_face() -> None:
    from datasets import Features, Image, Value  # here: it takes a second

    features = Features({name: Image() if kind == "picture" else Value(kind) for name, kind in COLUMNS.items()})
    assert make_schema().equals(features.arrow_schema, check_metadata=True)


@pytest.mark.parametrize("column", ["image", "disparity", "focus_disparity", "recipe"])
def test_a_row_that_was_changed_is_no_scene(tmp_path: Path, column: str) -> None:
    path = tmp_path / "1.parquet"
    ensure_shard(path, row)
    (stored,) = pyarrow.parquet.read_table(path).to_pylist()
    changed = {"image": row()["target"], "disparity": row(1)["disparity"], "focus_disparity": 0.26, "recipe": "{ }"}
    table = pyarrow.Table.from_pylist([stored | {column: changed[column]}], schema=make_schema())
    pyarrow.parquet.write_table(table, path)
    with pytest.raises(DamagedDataError, match="as it was generated"):
        read_shard(path, "scene-0")
