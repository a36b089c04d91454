"""Compilers beside a run: what they leave in the cache, and how they end."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from bokehbench.renderers import compile_kernels
from bokehbench.renderers.bokehdiff.renderer import BokehDiffRenderer
from bokehbench.renderers.classical.scatter import ScatterRenderer
from bokehbench.renderers.compile_kernels import compiling, needs_compiling
from bokehbench.renderers.identity import IdentityRenderer

COMMAND = [sys.executable, "-m", "bokehbench.renderers.compile_kernels"]

PREPARED = """
import gc, sys
import torch
from numba.core.dispatcher import Dispatcher
from bokehbench.renderers.registry import load_renderer

def loaded():  # from the cache or compiled: in a fresh process a kernel has a signature once it was called, warm or not
    kernels = [one for one in gc.get_objects() if isinstance(one, Dispatcher)]
    return {(one.py_func.__qualname__, str(signature)) for one in kernels for signature in one.signatures}

for name in sys.argv[1:]:
    load_renderer(name).compile_kernels()
    before = loaded()
    load_renderer(name).prepare("cpu")
    for kernel, _ in loaded() - before:
        print(kernel)
print(torch.get_num_threads())
"""
"""Prints the kernels that preparing needs and ``compile_kernels`` left out, whatever the cache holds; then how
many threads PyTorch has: numba's OpenMP layer would raise that, past OMP_NUM_THREADS, as it starts, once a process."""


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``main`` run in the tests' process."""
    monkeypatch.setattr(compile_kernels.signal, "signal", lambda *ignored: None)
    monkeypatch.setattr(compile_kernels, "end_after", lambda wait: None)


def test_what_is_compiled_is_noted(empty: Path, in_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScatterRenderer, "compile_kernels", lambda self: None)
    assert needs_compiling(ScatterRenderer())
    compile_kernels.main(["classical"])
    assert not needs_compiling(ScatterRenderer())


def test_each_name_is_given_when_its_process_is_done_with_it(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_kernels.os, "cpu_count", lambda: 1)  # one process, which is quicker here
    with compiling(["identity", "no-such-renderer"]) as compiled:
        assert list(compiled) == ["identity", "no-such-renderer"]


def test_preparing_finds_all_that_was_compiled_and_keeps_the_number_of_threads() -> None:
    """``bokehdiff-plus`` has ``classical-occlusion`` as its base."""
    command = [sys.executable, "-c", PREPARED, "classical", "bokehme", "bokehdiff-plus"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1"]


def test_renderers_of_one_class_are_noted_by_themselves(empty: Path, in_process: None) -> None:
    plain, plus = (BokehDiffRenderer(name, variant=name) for name in ("bokehdiff", "bokehdiff-plus"))
    assert compile_kernels._find_note(plain) != compile_kernels._find_note(plus)


def test_a_compiler_that_hangs_is_ended_and_named(
    empty: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(compile_kernels, "DEADLINE_SECONDS", 0.1)
    with compiling(["classical"]) as compiled:
        assert list(compiled) == []
    assert "compiling the kernels of classical takes longer than 0.1 s: it is ended" in caplog.text


def test_nothing_to_compile() -> None:
    assert not needs_compiling(IdentityRenderer())


def test_no_cache_that_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "file"))
    assert not needs_compiling(ScatterRenderer())


def test_a_renderer_that_cannot_compile_is_passed_over_and_not_noted(
    empty: Path, in_process: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ScatterRenderer, "compile_kernels", lambda self: 1 / 0)
    compile_kernels.main(["classical"])
    assert capsys.readouterr().out == "classical\n"
    assert needs_compiling(ScatterRenderer())


def test_a_compiler_ends_with_its_run(empty: Path) -> None:
    with subprocess.Popen([*COMMAND, "classical"], stdin=subprocess.PIPE) as process:
        process.stdin.close()  # type: ignore[union-attr]  # as when the run is killed
        assert process.wait(60) == 1
