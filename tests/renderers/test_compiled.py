"""Compiled kernels: cached on disk, and usable where no disk can be written."""

import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from numba import prange

from bokehbench.renderers.compiled import compiled

RENDER_AND_COUNT = """
import torch
from bokehbench.renderers.classical import spans
spans.scatter_spans(torch.ones(3, 4, 4), torch.ones(4, 4))
stats = spans._scatter_strip.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


def render_in_a_new_process(cache_dir):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache_dir)}
    result = subprocess.run(
        [sys.executable, "-c", RENDER_AND_COUNT], env=environment, capture_output=True, text=True, check=True
    )
    hits, misses = result.stdout.split()
    return int(hits), int(misses)


def test_a_second_process_finds_the_compiled_kernel(tmp_path):
    assert render_in_a_new_process(tmp_path) == (0, 1)
    assert render_in_a_new_process(tmp_path) == (1, 0)


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
from bokehbench.renderers import compiled as module
from pathlib import Path
module.PACKAGE, module.SOURCES = Path({folder!r}), ("",)
from kernels import total
print(total(3.0), sum(total.stats.cache_hits.values()))
"""


def test_a_changed_helper_in_another_file_is_compiled_anew(tmp_path):
    def run():
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
        script = HELPED.format(folder=str(tmp_path))
        result = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        return result.stdout.split()

    decorated = "from bokehbench.renderers.compiled import compiled\n"
    (tmp_path / "helper.py").write_text(decorated + "@compiled\ndef scale(x):\n    return 2.0 * x\n")
    (tmp_path / "kernels.py").write_text(
        decorated + "from helper import scale\n@compiled\ndef total(x):\n    return 1.0 + scale(x)\n"
    )
    assert run() == ["7.0", "0"]
    assert run() == ["7.0", "1"]
    (tmp_path / "helper.py").write_text(decorated + "@compiled\ndef scale(x):\n    return 5.0 * x\n")
    assert run() == ["16.0", "0"]
