import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bokehbench.datasets.scene_cache import (
    CACHE_VARIABLE,
    cache_root,
    decode_row,
    encode_row,
    ensure_cached,
    open_cached,
)
from bokehbench.renderers.errors import MissingDataError

RNG = np.random.default_rng(0)
IMAGE, TARGET = (RNG.integers(0, 256, (2, 12, 17, 3)) / 255.0).astype(np.float32)
DISPARITY = RNG.random((12, 17)).astype(np.float32)

KILLED_RUN = """
import os, sys
from pathlib import Path
from bokehbench.datasets import scene_cache

class DyingDataset:
    @classmethod
    def from_list(cls, rows, features):
        return cls()

    def save_to_disk(self, path):
        Path(path).mkdir()
        (Path(path) / "data-00000-of-00001.arrow").write_bytes(b"half")
        os._exit(9)

scene_cache.Dataset = DyingDataset
scene_cache.ensure_cached(Path(sys.argv[1]), lambda: [{"name": "a"}])
"""


def rows(count: int = 2) -> Iterator[dict[str, Any]]:
    for index in range(count):
        yield encode_row(
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
    folder = tmp_path / "set" / "1"
    ensure_cached(folder, rows)
    scene = decode_row(open_cached(folder)[1], folder)
    assert (scene.name, scene.focus_disparity, scene.blur_strength, scene.gamma) == ("scene-1", 0.25, 7.5, 2.2)
    np.testing.assert_array_equal(scene.image.permute(1, 2, 0).numpy(), IMAGE)
    assert scene.target is not None
    np.testing.assert_array_equal(scene.target.permute(1, 2, 0).numpy(), TARGET)
    np.testing.assert_array_equal(scene.disparity[0].numpy(), DISPARITY + 1)
    assert scene.disparity.dtype == torch.float32


def test_what_is_cached_is_not_generated_again(tmp_path: Path) -> None:
    ensure_cached(tmp_path / "1", rows)

    def fail() -> Iterator[dict[str, Any]]:
        raise AssertionError("generated twice")

    ensure_cached(tmp_path / "1", fail)


def test_a_killed_run_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    folder = tmp_path / "1"
    killed = subprocess.run([sys.executable, "-c", KILLED_RUN, str(folder)], check=False, timeout=120)
    assert killed.returncode == 9
    assert (tmp_path / "1.partial").is_dir()
    assert not folder.exists()
    ensure_cached(folder, rows)
    assert len(open_cached(folder)) == 2
    assert not (tmp_path / "1.partial").exists()


def test_a_failing_generator_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> Iterator[dict[str, Any]]:
        yield from rows(1)
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        ensure_cached(tmp_path / "1", fail)
    assert not (tmp_path / "1").exists()


def test_parallel_runs_generate_once(tmp_path: Path) -> None:
    calls = []

    def counted() -> Iterator[dict[str, Any]]:
        calls.append(1)
        return rows()

    threads = [threading.Thread(target=ensure_cached, args=(tmp_path / "1", counted)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(calls) == 1


def test_damage_is_named_with_its_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "1"
    ensure_cached(folder, rows)
    row = dict(open_cached(folder)[0])
    with pytest.raises(MissingDataError, match="delete the folder"):
        decode_row({**row, "disparity": row["disparity"][:-3]}, folder)
    (folder / "state.json").unlink()
    with pytest.raises(MissingDataError, match="delete the folder"):
        open_cached(folder)


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
def test_an_unwritable_cache_is_a_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(MissingDataError, match=CACHE_VARIABLE):
        ensure_cached(tmp_path / "set" / "1", rows)


def test_a_file_in_the_cache_s_place_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("in the way")
    with pytest.raises(MissingDataError, match=CACHE_VARIABLE):
        ensure_cached(tmp_path / "set" / "1", rows)


def test_the_environment_moves_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert cache_root() == tmp_path
    monkeypatch.delenv(CACHE_VARIABLE)
    assert "bokehbench" in str(cache_root())
