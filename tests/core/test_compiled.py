"""Compiled kernels: cached on disk, and usable where no disk can be written."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import prange

from bokehbench.core import compiled as module
from bokehbench.core.compiled import compiled
from bokehbench.renderers.classical.cpu import spans

KERNELS = (spans.__name__, spans.__file__)


@pytest.fixture
def fresh_folders(monkeypatch):
    module._cache_folder.cache_clear()
    monkeypatch.setattr(module.numba.config, "CACHE_DIR", "")
    yield
    module._cache_folder.cache_clear()


def test_without_a_choice_the_cache_lies_beside_the_sources(fresh_folders):
    with module._cache_of(*KERNELS):
        folder = Path(module.numba.config.CACHE_DIR)
    assert module.numba.config.CACHE_DIR == ""
    assert folder.is_dir()
    assert folder.name == module.folder_name(*KERNELS)
    assert Path(module.__file__).parent in folder.parents


def test_where_sources_are_read_only_it_lies_with_the_user(fresh_folders, tmp_path, monkeypatch):
    (tmp_path / "__pycache__").write_text("a file where the folder should be")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "compiled.py"))
    monkeypatch.setattr(module.platformdirs, "user_cache_path", lambda _: tmp_path / "mine")
    with module._cache_of(*KERNELS):
        assert Path(module.numba.config.CACHE_DIR).parent == tmp_path / "mine"


def test_only_old_folders_are_removed(fresh_folders, tmp_path):
    recent, old = tmp_path / "kernels-recent", tmp_path / "kernels-old"
    recent.mkdir()
    old.mkdir()
    os.utime(old, (0.0, 0.0))
    module._cache_folder(str(tmp_path), module.folder_name(*KERNELS))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([module.folder_name(*KERNELS), "kernels-recent"])


def test_nothing_can_be_written(fresh_folders, tmp_path, caplog, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(module.numba.config, "CACHE_DIR", str(tmp_path / "file"))

    def double(x):
        return 2 * x

    with caplog.at_level(logging.WARNING):
        assert compiled(double)(21) == 42
    assert "double is compiled again in each process" in caplog.text


def test_compiles_without_a_place_for_the_cache(caplog):
    namespace = {}
    exec("def double(x):\n    return 2 * x", namespace)  # noqa: S102 - a function without a source file has no cache
    with caplog.at_level(logging.WARNING):
        double = compiled(namespace["double"])
    assert double(21) == 42
    assert "NUMBA_CACHE_DIR" in caplog.text


def test_division_by_zero_gives_infinity_as_in_numpy():
    namespace = {}
    exec("def invert(x):\n    return 1.0 / x", namespace)  # noqa: S102
    assert compiled(namespace["invert"])(0.0) == pytest.approx(float("inf"))


def test_takes_numba_s_options():
    def total(values):
        result = 0.0
        for i in prange(len(values)):
            result += values[i]
        return result

    parallel = compiled(parallel=True)(total)
    assert parallel(np.arange(5.0)) == pytest.approx(10.0)
    assert parallel.targetoptions["parallel"] is True


HELPED = """
import sys
sys.path.insert(0, {folder!r})
from kernels import total
print(total(3.0), sum(total.stats.cache_hits.values()))
"""


def test_a_second_process_finds_the_kernel_and_a_changed_helper_in_another_file_is_compiled(tmp_path):
    def run():
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
        script = HELPED.format(folder=str(tmp_path))
        result = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        return result.stdout.split()

    decorated = "from bokehbench.core.compiled import compiled\n"
    (tmp_path / "helper.py").write_text(decorated + "@compiled\ndef scale(x):\n    return 2.0 * x\n")
    (tmp_path / "kernels.py").write_text(
        decorated + "from helper import scale\n@compiled\ndef total(x):\n    return 1.0 + scale(x)\n"
    )
    assert run() == ["7.0", "0"]
    assert run() == ["7.0", "1"]
    (tmp_path / "helper.py").write_text(decorated + "@compiled\ndef scale(x):\n    return 5.0 * x\n")
    assert run() == ["16.0", "0"]


CALL_AND_COUNT = """
import numpy as np
from bokehbench.renderers.classical.cpu.mixtures import MIXED, mark_mixtures
slope, kinds, centre = np.arange(9, dtype=np.float32).reshape(3, 3), np.zeros((3, 3), np.uint8), np.array([1])
mark_mixtures(slope, centre, centre, np.float32(1), kinds)
assert kinds[1, 1] == MIXED
print(sum(mark_mixtures.stats.cache_hits.values()), sum(mark_mixtures.stats.cache_misses.values()))
"""
"""A kernel that is compiled in a moment, in a module that imports no PyTorch."""


def call_in_a_new_process(cache_dir):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache_dir)}
    result = subprocess.run(
        [sys.executable, "-c", CALL_AND_COUNT], env=environment, capture_output=True, text=True, check=True
    )
    hits, misses = result.stdout.split()
    return int(hits), int(misses)


def test_a_second_process_finds_a_kernel_of_the_package(tmp_path):
    assert call_in_a_new_process(tmp_path) == (0, 1)
    assert call_in_a_new_process(tmp_path) == (1, 0)
