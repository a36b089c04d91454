"""Other programs: what they say when they end, and that nothing of them outlives this process, however it ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bokehbench.core.errors import OutsideError
from bokehbench.core.programs import ProcessGroup, ask_program

OWNER = """
import sys, time
from pathlib import Path
from bokehbench.core.programs import ProcessGroup
folder = Path(sys.argv[1])
(folder / "its" / "own").mkdir(parents=True)
command = ["sh", "-c", "sleep 60 & echo $! $$ > pids; wait"]
group = ProcessGroup(command, folder, folder / "log", temporary=folder / "its")
while not (folder / "pids").is_file() or len((folder / "pids").read_text().split()) < 2:
    time.sleep(0.01)
print("started", flush=True)
time.sleep(60)
"""


def start(folder, script, **options):
    return ProcessGroup(["sh", "-c", script], folder, folder / "log", **options)


def test_kill_9_of_the_owner_ends_the_program_and_what_it_started_and_removes_its_folder(tmp_path, ends):
    owner = subprocess.Popen([sys.executable, "-c", OWNER, tmp_path], stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout.readline() == "started\n"
        owner.kill()
    pids = [int(pid) for pid in Path(tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    assert all(map(ends, pids))
    deadline = time.monotonic() + 10.0
    while (tmp_path / "its").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "pids"]


def test_the_end_of_the_block_ends_all_and_leaves_no_guard(tmp_path, ends):
    before = {process.pid for process in psutil.Process().children()}
    with start(tmp_path, "sleep 60 & echo $!; wait") as group:
        while not (tmp_path / "log").read_text().strip():
            time.sleep(0.01)
        assert group.alive
    assert ends(int((tmp_path / "log").read_text()))
    assert {process.pid for process in psutil.Process().children()} == before
    group.send(signal.SIGTERM)  # nobody


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo first; echo 'no such filter' >&2; echo; exit 3", "ended with status 3; last line: no such filter"),
        ("kill -9 $$", "ended with signal 9 (SIGKILL), most likely for want of memory"),
        ("exit 0", "ended with status 0"),
    ],
)
def test_how_it_ended_is_one_line(tmp_path, script, words):
    with start(tmp_path, script) as group:
        assert group.wait(10.0)
    assert group.describe_end() == words


def test_pipes_are_answered_and_a_limit_holds(tmp_path):
    with start(tmp_path, "read line; echo got $line; echo aside >&2; sleep 60", piped=True) as group:
        group.input.write(b"this\n")
        assert group.output.readline() == b"got this\n"
        assert not group.wait(0.1)
        assert group.describe_last_line() == "; last line: aside"


def test_what_cannot_be_started_is_one_line(tmp_path):
    before = {process.pid for process in psutil.Process().children()}
    for command, folder, named in (["absent-program"], tmp_path, "absent-program"), (["sh"], tmp_path / "no", "/no"):
        with pytest.raises(OutsideError, match=rf"{named}: cannot be started \(No such file or directory\): see that"):
            ProcessGroup(command, folder, tmp_path / "log")
    assert {process.pid for process in psutil.Process().children()} == before


def test_a_short_command_is_asked(tmp_path, ends):
    assert ask_program(["sh", "-c", "echo said; echo aside >&2"], 10.0) == "said\n"
    assert ask_program(["sh", "-c", "echo said; exit 1"], 10.0) is None
    assert ask_program(["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid; wait"], 0.2) is None
    assert ends(int((tmp_path / "pid").read_text()))
    assert ask_program([tmp_path / "absent"], 10.0) is None
