"""Whatever a plug-in raises or returns fails its own case, in a row that is read again; the next renderer goes on."""

import io
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from bokehbench.benchmarks.run.row_files import read_rows

from .stand_ins import SCENES, Counting, MeanDifference, Scenes


class UnspeakableError(Exception):
    def __str__(self):
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("half \ud800 of it"), r"ValueError: half \ud800 of it"),
        (UnspeakableError(), "UnspeakableError: its text cannot be had"),
        (GeneratorExit("out"), "GeneratorExit: out"),
        (BaseExceptionGroup("two", [GeneratorExit()]), "BaseExceptionGroup: two"),
    ],
    ids=["half-character", "no-words", "generator-exit", "group"],
)
def test_what_a_renderer_raises_is_its_own_cases_failure(bench, error, said):
    def fail(scene):
        raise error

    rows = bench(Counting("odd", Counter(), fail), Counting("dim", Counter()))
    assert [row["status"] for row in rows] == ["failed"] * len(SCENES) + ["ok"] * len(SCENES)
    assert said in rows[0]["reason"]
    assert list(read_rows(bench.folder).values()) == rows


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("fails", [False, True])
def test_what_a_renderer_forks_does_no_case_a_second_time(bench, fails, capfd):
    children = []

    def fork(scene):
        children.append(os.fork())
        if fails:
            raise ValueError("in both")

    rows = bench(Counting("odd", Counter(), fork), Counting("dim", Counter()))
    for child in children:
        os.waitpid(child, 0)
    assert [row["status"] for row in rows[3:]] == ["ok"] * len(SCENES)
    assert {row["status"] for row in rows[:3]} == {"failed" if fails else "ok"}
    (part,) = bench.folder.glob("rows-*.jsonl")
    assert len(part.read_text().splitlines()) == len(rows)
    said = "odd: ended a process that it forked and that came back to the run"
    assert capfd.readouterr().err.count(said) == len(SCENES)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize(
    ("where", "name"), [((Scenes, "load"), "scenes"), ((MeanDifference, "score"), MeanDifference.name)]
)
def test_what_data_sets_and_metrics_fork_ends_and_is_said_to_be_theirs(bench, where, name, monkeypatch, capfd):
    """Most scenes are loaded by a thread: what it forks would wait there for work until somebody ended it."""
    children, work = [], getattr(*where)

    def fork(*arguments):
        children.append(os.fork())
        return work(*arguments) if children[-1] else None  # computing in the fork of a process with threads may hang

    monkeypatch.setattr(*where, fork)
    rows = bench(Counting("dim", Counter()))
    deadline = time.monotonic() + 20.0
    codes = dict.fromkeys(children, 0)
    while not all(codes.values()) and time.monotonic() < deadline:
        codes |= {child: os.waitpid(child, os.WNOHANG)[1] for child, code in codes.items() if not code}
        time.sleep(0.02)
    for child in (child for child, code in codes.items() if not code):
        os.kill(child, signal.SIGKILL)
    assert [row["status"] for row in rows] == ["ok"] * len(SCENES)
    assert [os.waitstatus_to_exitcode(code) for code in codes.values()] == [1] * len(SCENES)
    assert capfd.readouterr().err.count(f"{name}: ended a process that it forked") == len(SCENES)


def test_a_renderer_that_changes_the_working_folder_moves_no_picture_and_no_later_case(bench, monkeypatch):
    monkeypatch.chdir(bench.folder)
    (bench.folder / "theirs").mkdir()
    bench.folder = Path()
    rows = bench(Counting("odd", Counter(), lambda scene: os.chdir("theirs")), Counting("dim", Counter()))
    assert [row["status"] for row in rows] == ["ok"] * 2 * len(SCENES)
    assert all(Path(row["image"]).is_file() for row in rows)


@pytest.mark.parametrize("put", [None, io.StringIO()], ids=["nothing", "its own"])
def test_a_renderer_that_replaces_the_standard_streams_silences_nobody_else(bench, put):
    streams = sys.stdout, sys.stderr

    def replace(scene):
        sys.stdout = sys.stderr = put

    bench(Counting("odd", Counter(), replace))
    assert (sys.stdout, sys.stderr) == streams


def test_a_row_names_renderer_and_scene_once(bench):
    class Nan(Counting):
        def _render(self, scene, seed):
            return scene.image * float("nan")

    for row in bench(Nan("nan", Counter())):
        assert row["reason"] == "2304 values of 2304 are NaN or infinite, the first at column 0, row 0"


def test_ctrl_c_ends_the_run(bench):
    def interrupt(scene):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench(Counting("odd", Counter(), interrupt))


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"backend": 5}, "odd: what it gave cannot be stored: backend: expected a valid string, got 5"),
        ({"backend": "\ud800"}, "odd: what it gave cannot be stored: "),
        ({"skip": lambda self, scene: 5}, "odd: skip: expected a text or None, got 5"),
    ],
    ids=["number", "half-character", "skip"],
)
def test_what_a_renderer_says_of_itself_is_checked_before_it_is_stored(bench, attributes, said):
    odd = type("Odd", (Counting,), attributes)
    rows = bench(odd("odd", Counter()), Counting("dim", Counter()))
    assert [row["status"] for row in rows] == ["failed"] * len(SCENES) + ["ok"] * len(SCENES)
    assert said in rows[0]["reason"]
    assert list(read_rows(bench.folder).values()) == rows
