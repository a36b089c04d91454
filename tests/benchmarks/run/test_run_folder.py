"""A run that a command adds to: one command at a time, kept whole, and gone where it never began."""

import errno
import json
import os
from unittest.mock import Mock

import pytest
from filelock import FileLock

from bokehbench.benchmarks.run.cases import Case
from bokehbench.benchmarks.run.row_files import RowWriter, read_rows, scan_rows
from bokehbench.benchmarks.run.run_folder import LOCK, RunFolder, continue_record, merge_records
from bokehbench.benchmarks.run.store import read_meta, write_meta
from bokehbench.core.errors import CannotWriteError, InvalidOptionError

from ...lock_holder import held_elsewhere
from ...stored_records import COMMAND, META, row


def begin(folder, made=(), **values):
    with RunFolder.open(folder) as run:
        return run.begin(COMMAND, made, **values)


def test_begin_and_finish_are_noted(tmp_path):
    with RunFolder.open(tmp_path) as run:
        environment = run.begin(COMMAND, cases(2))
        begun = read_meta(tmp_path)
        run.finish()
    assert begun["cases"] == [case.key for case in cases(2)]
    assert list(begun["environments"]) == [environment]
    assert (begun["starts"], begun["finished"], begun["seconds"]) == (1, None, None)
    finished = read_meta(tmp_path)
    assert finished["seconds"] >= 0
    assert finished["finished"].endswith("Z")
    begin(tmp_path, cases(2))
    assert read_meta(tmp_path)["starts"] == 2


def test_a_run_of_schema_1_goes_on(tmp_path):
    """run.json as earlier versions wrote it: the same command is a second start, and its environments are kept."""
    old = META | {"schema": 1, "plan": [case.key for case in cases(2)], "started": "sunday"}
    del old["cases"]
    (tmp_path / "run.json").write_text(json.dumps(old | {"environments": {"there": {}}}))
    environment = begin(tmp_path, cases(2))
    meta = read_meta(tmp_path)
    assert (meta["started"], meta["starts"]) == ("sunday", 2)
    assert list(meta["environments"]) == ["there", environment]
    assert "plan" not in meta


@pytest.mark.parametrize("content", ["{", '{"schema": 2, "cases": 3}', "[]"])
def test_a_damaged_record_is_set_aside_and_rows_are_kept(tmp_path, caplog, content):
    (tmp_path / "run.json").write_text(content)
    with RowWriter(tmp_path) as writer:
        writer.append(row("a"))
        writer.append_line(b"{}")
    begin(tmp_path, cases(2))
    assert read_meta(tmp_path)["cases"] == [case.key for case in cases(2)]
    assert (tmp_path / "run.json.aside-1").read_text() == content
    assert scan_rows(tmp_path) == ({"a": row("a")}, [])
    assert ["run.json" in entry.getMessage() for entry in caplog.records] == [True, False]


def test_a_fresh_run_discards_only_what_a_run_stores(tmp_path):
    write_meta(tmp_path, META)
    (tmp_path / "images").mkdir()
    (tmp_path / "latency.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("mine")
    with RowWriter(tmp_path) as writer:
        writer.append(row("a"))
    begin(tmp_path, fresh=True)
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "notes.txt", "run.json"}
    assert read_meta(tmp_path)["starts"] == 1


def test_what_ends_a_command_is_said_where_its_lock_was_closed_too(tmp_path, monkeypatch):
    closed = OSError(errno.EBADF, os.strerror(errno.EBADF))
    monkeypatch.setattr(FileLock, "release", Mock(side_effect=closed))
    with pytest.raises(CannotWriteError, match="leave out the plug-in that does"), RunFolder.open(tmp_path):
        raise CannotWriteError(tmp_path / "rows", closed)


def test_second_writer_is_refused(tmp_path):
    def is_refused():
        with pytest.raises(InvalidOptionError, match="another command is writing this run"), RunFolder.open(tmp_path):
            pass

    with RunFolder.open(tmp_path):
        is_refused()
    with held_elsewhere(tmp_path / LOCK):
        is_refused()
    begin(tmp_path)


def test_a_run_that_never_began_leaves_nothing(tmp_path):
    with pytest.raises(InvalidOptionError, match="refused"), RunFolder.open(tmp_path / "results" / "typo"):
        raise InvalidOptionError("refused")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_refused_later_keeps_what_it_has(tmp_path):
    begin(tmp_path / "results" / "mine", cases(2))
    stored = read_meta(tmp_path / "results" / "mine")
    with pytest.raises(InvalidOptionError, match="refused"), RunFolder.open(tmp_path / "results" / "mine"):
        raise InvalidOptionError("refused")
    assert read_meta(tmp_path / "results" / "mine") == stored


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "results").write_text("mine")
    with pytest.raises(InvalidOptionError, match="cannot write here"), RunFolder.open(tmp_path / "results" / "run"):
        pass


def test_parts_are_merged_into_the_first_and_win_over_it(tmp_path):
    for part, rows in enumerate(([("a", 1), ("b", 1)], [("a", 2), ("c", 2)], [("d", 3)])):
        with RowWriter(tmp_path, part) as writer:
            for key, value in rows:
                writer.append(row(key, seconds=value))
    with (tmp_path / "rows-00002.jsonl").open("ab") as part:
        part.write(b'{"schema": 1, "key": "torn')
    expected = {"a": 2, "b": 1, "c": 2, "d": 3}
    assert {key: r["seconds"] for key, r in read_rows(tmp_path).items()} == expected
    begin(tmp_path)
    assert [path.name for path in tmp_path.glob("rows-*")] == ["rows-00000.jsonl"]
    assert {key: r["seconds"] for key, r in read_rows(tmp_path).items()} == expected
    with RowWriter(tmp_path) as writer:
        writer.append(row("a", seconds=4))
    begin(tmp_path)
    assert read_rows(tmp_path)["a"]["seconds"] == 4


def cases(scenes, severities=(0,)):
    return [
        Case(dataset="d", scene=f"s{n}", renderer="r", perturbation="erode" if severity else "none", severity=severity)
        for n in range(scenes)
        for severity in severities
    ]


def record(command, made):
    return {"command": command, "cases": [case.key for case in made]}


def merge(earlier, command, made):
    return merge_records(earlier, record(command, made), made)


def test_sweep_stands_for_a_benchmark_where_there_is_none():
    first = merge({}, "sweep 2", cases(2, (0, 4)))
    assert first["cases"] == [case.key for case in cases(2)]
    assert len(first["sweep"]["cases"]) == 4
    larger = merge(first, "sweep 3", cases(3, (0, 4)))
    assert larger["cases"] == [case.key for case in cases(3)]
    assert larger["command"] == "sweep 3"


def test_sweep_leaves_a_benchmark_alone_and_the_other_way_round():
    swept = merge(merge({}, "bench", cases(3)), "sweep", cases(2, (0, 4)))
    assert (swept["command"], len(swept["cases"]), len(swept["sweep"]["cases"])) == ("bench", 3, 4)
    again = merge(swept, "bench again", cases(1))
    assert (again["command"], len(again["cases"]), again["sweep"]["command"]) == ("bench again", 1, "sweep")


def test_a_command_that_goes_on_keeps_its_start():
    first = record("bench", cases(3)) | {"started": "monday", "starts": 1}
    again = continue_record(first, record("bench", cases(3)) | {"started": "tuesday"})
    assert (again["started"], again["starts"]) == ("monday", 2)
    assert continue_record(again, first)["starts"] == 3
    other = continue_record(first, record("bench", cases(2)) | {"started": "tuesday"})
    assert other["started"] == "tuesday"
    assert continue_record(first, record("sweep", cases(3)) | {"started": "tuesday"})["started"] == "tuesday"
    sweep = record("sweep", cases(2, (0, 4))) | {"started": "tuesday", "starts": 1}
    assert continue_record({"sweep": sweep}, sweep | {"started": "friday"})["started"] == "tuesday"
