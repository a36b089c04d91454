"""``python -m bokehbench.renderers.compile_kernels NAMES``: compile renderers' CPU kernels into the cache on disk.

A run that finds kernels not compiled yet starts this beside it: numba's compiler holds the interpreter lock, so that a
thread would not do. Whatever becomes of this process, the run goes on: what is missing is compiled where it is needed.
"""

import hashlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import llvmlite.binding
import numba

from ..core.compiled import find_cache
from ..core.owner import end_after
from .component import Component
from .interface import Renderer
from .registry import load_renderer

log = logging.getLogger(__name__)

DEADLINE_SECONDS = 600.0
"""Compiling everything takes a minute or two; a process that takes longer than this hangs, and the run waits for it."""


def needs_compiling(renderer: Renderer) -> bool:
    """Whether the renderer has CPU kernels of which the cache may lack some, and a cache that can be written."""
    return any(map(_lacks_kernels, renderer.components))


def _lacks_kernels(component: Component) -> bool:
    if type(component).compile_kernels is Component.compile_kernels:
        return False
    note = _find_note(component)
    return note is not None and not note.exists()


@contextmanager
def compiling(names: Sequence[str]) -> Iterator[Iterator[str]]:
    """Let other processes, two where there are two cores, compile the kernels of renderers ``names``.

    Gives each name when its kernels are there, none where a process fails. They end with the block, and after
    DEADLINE_SECONDS, at the latest.
    """
    half = (len(names) + 1) // 2 if (os.cpu_count() or 1) > 1 else len(names)
    with ExitStack() as stack:
        processes = [stack.enter_context(_compiler(part)) for part in (names[:half], names[half:]) if part]
        yield (line.strip() for process in processes for line in process.stdout or ())


@contextmanager
def _compiler(names: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bokehbench.renderers.compile_kernels", *names]
    with subprocess.Popen(  # noqa: S603 - this program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        timer = threading.Timer(DEADLINE_SECONDS, _end_late, (process, names))
        timer.daemon = True
        timer.start()
        try:
            yield process
        finally:
            timer.cancel()
            process.kill()


def _end_late(process: subprocess.Popen[str], names: Sequence[str]) -> None:
    if process.poll() is None:
        log.warning(
            "compiling the kernels of %s takes longer than %g s: it is ended, each is compiled where it is needed",
            ", ".join(names),
            DEADLINE_SECONDS,
        )
        process.kill()


def main(names: Sequence[str]) -> None:
    """Compile; print each name when it is done. A renderer that cannot be loaded or compiled is passed over."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the run's, which then ends this
    end_after(sys.stdin.read)  # which ends when the run does
    for name in names:
        with suppress(Exception):  # the run meets the error itself, and says it
            for component in load_renderer(name).components:
                component.compile_kernels()
                note = _find_note(component)
                if note is not None:
                    note.touch()
        print(name, flush=True)


def _find_note(component: Component) -> Path | None:
    """Return the file that says that kernels are compiled, for these sources, versions and processor."""
    kind = type(component)
    folder = find_cache(kind.__module__, sys.modules[kind.__module__].__file__ or "")
    if folder is None:
        return None
    machine = llvmlite.binding.get_host_cpu_name(), llvmlite.binding.get_host_cpu_features().flatten()
    versions = sys.version, numba.__version__, kind.__qualname__, component.name, *machine
    return folder / f"compiled-{hashlib.sha256(repr(versions).encode()).hexdigest()[:16]}"


if __name__ == "__main__":
    main(sys.argv[1:])
