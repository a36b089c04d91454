"""Files that a kill cannot tear, and what is said where one cannot be written.

A temporary file is locked by who writes it. A kill leaves it unlocked, so that the next process that writes into the
folder can tell it from one that is being written, on whatever machine, and removes it.
"""

import errno
import os
import re
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from safetensors import SafetensorError

from .errors import CannotWriteError

try:
    import fcntl
except ImportError:  # Windows: nothing is locked, and nothing swept
    fcntl = None  # type: ignore[assignment]

OS_ERROR = re.compile(r"\(os error (\d+)\)")
"""How Rust, in which safetensors are written, quotes the system."""

SUFFIX = ".bokehbench-tmp"
BLOCK_BYTES = 1 << 16

_swept: set[Path] = set()


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Call ``write`` on a temporary file beside ``path`` and move it into place: readers see all of it or nothing.

    Threads, processes and machines that write the same path at once do not meet: the last one's file stays. Raises
    CannotWriteError where the disk is full or does not take the file.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent not in _swept:
            _swept.add(path.parent)
            sweep(path.parent)
        with _locked(path.with_name(f".{path.name[:80]}.{uuid.uuid4().hex[:12]}{SUFFIX}")) as temporary:
            with temporary.open("r+b") as file:
                try:
                    write(file)
                except Exception:
                    _ask_the_disk(file)
                    raise
            temporary.replace(path)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write ``path`` in the block into a CannotWriteError."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise CannotWriteError(path, error) from error
    except SafetensorError as error:
        if not (found := OS_ERROR.search(str(error))):
            raise
        number = int(found[1])
        raise CannotWriteError(path, OSError(number, os.strerror(number))) from error


def sweep(folder: Path) -> None:
    """Remove the temporary files in ``folder``, not in those below, whose writers have died."""
    with suppress(OSError):  # a folder that cannot be read has nothing that could be removed
        for path in folder.iterdir():
            if path.name.endswith(SUFFIX):
                _remove_if_left(path)


def sweep_tree(folder: Path) -> None:
    """Remove the temporary files in ``folder`` and all folders below it whose writers have died."""
    for below, _, names in os.walk(folder):
        if any(name.endswith(SUFFIX) for name in names):
            sweep(Path(below))


@contextmanager
def _locked(temporary: Path) -> Iterator[Path]:
    """Create ``temporary`` and hold its lock; what is left of it at the end is removed."""
    descriptor = _create(temporary)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)


def _create(temporary: Path) -> int:
    """Create and lock the file; again where another process sweeps it, or has swept it, between the two."""
    while True:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(descriptor)
            is_swept = False
        except OSError as error:  # else a file system without locks, where none is found dead either
            is_swept = isinstance(error, BlockingIOError)
        with suppress(FileNotFoundError):
            if not is_swept and os.path.samestat(os.fstat(descriptor), temporary.stat()):
                return descriptor
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Raise OSError where another process holds the lock, or there is none to be had."""
    if fcntl is None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_if_left(path: Path) -> None:
    with suppress(OSError):  # it is locked, gone, or not ours
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0))
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                _lock(descriptor)
                path.unlink()
        finally:
            os.close(descriptor)


def _ask_the_disk(file: BinaryIO) -> None:
    """Raise the system's OSError where the disk takes no more: libraries that write through C replace it by their own.

    ``numpy.save`` says how many items were missing, ``torch.save`` and OpenEXR that writing failed.
    """
    end = os.lseek(file.fileno(), 0, os.SEEK_END)
    left = BLOCK_BYTES
    while left:
        left -= os.write(file.fileno(), bytes(left))
    os.ftruncate(file.fileno(), end)
