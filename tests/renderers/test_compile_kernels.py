"""Compilers beside a run: what they leave in the cache, and how they end."""

import subprocess
import sys
from pathlib import Path

import numba
import pytest
from numba.core.event import Event, Listener, install_listener

from bokehbench.renderers import compile_kernels
from bokehbench.renderers.bokehdiff.renderer import BokehDiffRenderer
from bokehbench.renderers.classical.occlusion import OcclusionRenderer
from bokehbench.renderers.classical.scatter import ScatterRenderer
from bokehbench.renderers.compile_kernels import compiling, needs_compiling
from bokehbench.renderers.identity import IdentityRenderer
from bokehbench.renderers.interface import Renderer

COMMAND = [sys.executable, "-m", "bokehbench.renderers.compile_kernels"]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``main`` run in the tests' process."""
    monkeypatch.setattr(compile_kernels.signal, "signal", lambda *ignored: None)
    monkeypatch.setattr(compile_kernels, "_end_with_the_run", lambda: None)


def test_what_is_compiled_is_noted(empty: Path, in_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScatterRenderer, "compile_kernels", lambda self: None)
    assert needs_compiling(ScatterRenderer())
    compile_kernels.main(["classical"])
    assert not needs_compiling(ScatterRenderer())


def test_each_name_is_given_when_its_process_is_done_with_it(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_kernels.os, "cpu_count", lambda: 1)  # one process, which is quicker here
    with compiling(["identity", "no-such-renderer"]) as compiled:
        assert list(compiled) == ["identity", "no-such-renderer"]


@pytest.mark.parametrize("kind", [ScatterRenderer, OcclusionRenderer, BokehDiffRenderer])
def test_preparing_finds_all_that_was_compiled(kind: type[Renderer]) -> None:
    kind().compile_kernels()
    missed: list[str] = []

    class Compilations(Listener):
        def on_start(self, event: Event) -> None:
            missed.append(event.data["dispatcher"].py_func.__name__)

        def on_end(self, event: Event) -> None:
            """Nothing to do."""

    with install_listener("numba:compile", Compilations()):
        kind().prepare("cpu")
    assert missed == []


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
