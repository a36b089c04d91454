import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import torch
from PIL import Image
from safetensors import SafetensorError

from bokehbench.core import atomic_files
from bokehbench.core.atomic_files import explained, sweep_tree, write_atomically
from bokehbench.core.errors import CannotWriteError

CONTENT_BYTES = 1 << 17


@pytest.fixture
def small_files_only():
    """Files of up to half of what the writers write, as if the disk were full then."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (CONTENT_BYTES // 2, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_appears_whole_with_its_folders(tmp_path):
    write_atomically(tmp_path / "new" / "a.bin", lambda file: file.write(b"abc"))
    assert (tmp_path / "new" / "a.bin").read_bytes() == b"abc"
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "kept.txt"
    path.write_text("old")

    def fail(file):
        file.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]
    assert path.read_text() == "old"


def test_two_writers_of_one_path_do_not_tear_each_others_file(tmp_path):
    path = tmp_path / "shared.bin"

    def write_within(file):
        file.write(b"outer, ")
        write_atomically(path, lambda inner: inner.write(b"inner"))
        assert path.read_bytes() == b"inner"
        file.write(b"whole")

    write_atomically(path, write_within)
    assert path.read_bytes() == b"outer, whole"
    assert list(tmp_path.iterdir()) == [path]


WRITERS = {
    "bytes": lambda file: file.write(bytes(CONTENT_BYTES)),
    "numpy": lambda file: np.save(file, np.zeros(CONTENT_BYTES, np.uint8)),
    "torch": lambda file: torch.save({"x": torch.zeros(CONTENT_BYTES // 4)}, file),
    "pillow": lambda file: Image.effect_noise((512, 512), 90).save(file, "PNG"),
    "exr": lambda file: OpenEXR.File(
        {"compression": OpenEXR.NO_COMPRESSION, "type": OpenEXR.scanlineimage}, {"Z": np.zeros((256, 256), np.float32)}
    ).write(file.name),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_said_whatever_the_library_makes_of_it(tmp_path, writer, small_files_only):
    path = tmp_path / "new" / "picture"
    with pytest.raises(CannotWriteError, match="larger than the system allows") as caught:
        write_atomically(path, WRITERS[writer])
    assert caught.value.path == path
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("what", ["a folder in its place", "a file for a folder"])
def test_something_in_the_way_is_to_be_moved(tmp_path, what):
    (tmp_path / "path").mkdir()
    (tmp_path / "file").write_text("")
    path = tmp_path / ("path" if what.startswith("a folder") else "file/path")
    with pytest.raises(CannotWriteError, match=r"in the way .*: move it away"):
        write_atomically(path, lambda file: file.write(b"x"))


KILLED = """
import os, signal, sys
from pathlib import Path
from bokehbench.core.atomic_files import write_atomically
def write(file):
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
write_atomically(Path(sys.argv[1]), write)
"""


def kill_within(path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = path.parent.iterdir()
    return left


def test_temporary_files_of_killed_processes_are_swept_and_no_others(tmp_path):
    left = kill_within(tmp_path / "below" / "killed.bin")

    def sweep_within(file):
        sweep_tree(tmp_path)
        assert not left.exists()
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [Path(file.name).name], "of a live one"

    write_atomically(tmp_path / "live.bin", sweep_within)
    assert (tmp_path / "live.bin").exists()


def test_the_first_write_into_a_folder_sweeps_it(tmp_path):
    left = kill_within(tmp_path / "killed.bin")
    write_atomically(tmp_path / "other.bin", lambda file: file.write(b"x"))
    assert not left.exists()


def test_a_file_swept_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    lock, swept = atomic_files._lock, []

    def sweep_first(descriptor):
        if not swept:
            swept.extend(tmp_path.iterdir())
            swept[0].unlink()
        lock(descriptor)

    monkeypatch.setattr(atomic_files, "_lock", sweep_first)
    write_atomically(tmp_path / "a.bin", lambda file: file.write(b"abc"))
    assert len(swept) == 1
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"abc"]


def test_a_file_that_is_being_swept_as_it_is_locked_is_made_again(tmp_path, monkeypatch):
    lock, calls = atomic_files._lock, []

    def lock_second(descriptor):
        calls.append(descriptor)
        if len(calls) == 1:
            raise BlockingIOError
        if len(calls) == 2:
            next(tmp_path.iterdir()).unlink()  # what the sweeper does once it has the lock
        lock(descriptor)

    monkeypatch.setattr(atomic_files, "_lock", lock_second)
    write_atomically(tmp_path / "a.bin", lambda file: file.write(b"abc"))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"abc"]
    assert len(calls) == 3


def test_what_rust_says_of_the_system_is_understood(tmp_path):
    message = "Error while serializing: I/O error: No space left on device (os error 28)"
    with pytest.raises(CannotWriteError, match="the disk is full"), explained(tmp_path):
        raise SafetensorError(message)
