import subprocess
import sys

import pytest

from bokehbench.benchmarks.run.store import (
    SCHEMA,
    RowWriter,
    StoredRun,
    discard_run,
    locked,
    merge_parts,
    read_rows,
    run_folder,
    write_meta,
)
from bokehbench.core.errors import InvalidOptionError


def row(key, **values):
    return {"schema": SCHEMA, "key": key, "dataset": "d", "scene": "s", **values}


def test_newest_row_of_a_key_wins(tmp_path):
    with RowWriter(tmp_path) as writer:
        writer.append(row("a", value=1))
        writer.append(row("b", value=2))
        writer.append(row("a", value=3))
    assert {key: r["value"] for key, r in read_rows(tmp_path).items()} == {"a": 3, "b": 2}


@pytest.mark.parametrize("cut", range(1, 40, 7))
def test_torn_line_is_dropped_and_cut_off(tmp_path, cut):
    with RowWriter(tmp_path) as writer:
        writer.append(row("whole"))
        writer.append(row("torn"))
    path = tmp_path / "rows-00000.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    assert list(read_rows(tmp_path)) == ["whole"] if cut > 1 else ["whole", "torn"]
    with RowWriter(tmp_path) as writer:
        writer.append(row("next"))
    assert list(read_rows(tmp_path)) == ["whole", "next"]


def test_foreign_lines_are_dropped(tmp_path):
    (tmp_path / "rows-00007.jsonl").write_text('null\n[1]\n{"key": "a"}\n{"schema": 1, "key": 3}\n\xff\n')
    assert read_rows(tmp_path) == {}


def test_rows_refuse_nan(tmp_path):
    with RowWriter(tmp_path) as writer, pytest.raises(ValueError, match="JSON"):
        writer.append(row("a", value=float("inf")))
    assert read_rows(tmp_path) == {}


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "-x", "a\nb"])
def test_run_names_are_plain_folder_names(tmp_path, name):
    with pytest.raises(InvalidOptionError, match="--run"):
        run_folder(tmp_path, name)


def test_discarding_removes_only_what_a_run_stores(tmp_path):
    write_meta(tmp_path, {})
    (tmp_path / "images").mkdir()
    (tmp_path / "latency.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("mine")
    with RowWriter(tmp_path) as writer:
        writer.append(row("a"))
    discard_run(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


SECOND = """
import sys
from pathlib import Path
from bokehbench.benchmarks.run.store import locked

with locked(Path(sys.argv[1])):
    print("held")
"""


def test_second_writer_is_refused(tmp_path):
    command = [sys.executable, "-c", SECOND, tmp_path]
    with locked(tmp_path):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "another command is writing this run" in done.stderr
    assert "held" not in done.stdout
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "held\n"


def test_parts_are_merged_into_the_first_and_win_over_it(tmp_path):
    for part, rows in enumerate(([("a", 1), ("b", 1)], [("a", 2), ("c", 2)], [("d", 3)])):
        with RowWriter(tmp_path, part) as writer:
            for key, value in rows:
                writer.append(row(key, value=value))
    with (tmp_path / "rows-00002.jsonl").open("ab") as part:
        part.write(b'{"schema": 1, "key": "torn')
    expected = {"a": 2, "b": 1, "c": 2, "d": 3}
    assert {key: r["value"] for key, r in read_rows(tmp_path).items()} == expected
    merge_parts(tmp_path)
    assert [path.name for path in tmp_path.glob("rows-*")] == ["rows-00000.jsonl"]
    assert {key: r["value"] for key, r in read_rows(tmp_path).items()} == expected
    with RowWriter(tmp_path) as writer:
        writer.append(row("a", value=4))
    merge_parts(tmp_path)
    assert read_rows(tmp_path)["a"]["value"] == 4


def test_opening_shows_the_plan_in_its_order(tmp_path):
    write_meta(tmp_path, {"plan": ["c", "a", "missing"]})
    with RowWriter(tmp_path) as writer:
        for key in "abc":
            writer.append(row(key))
    assert [r["key"] for r in StoredRun.open(tmp_path).rows] == ["c", "a"]


def test_a_run_counts_its_sweep_and_what_both_plans_share_once(tmp_path):
    write_meta(tmp_path, {"plan": ["a", "b", "missing"], "sweep": {"plan": ["a", "a-eroded", "b-eroded"]}})
    with RowWriter(tmp_path) as writer:
        for key in ("a", "b", "a-eroded", "of an earlier plan"):
            writer.append(row(key))
    stored = StoredRun.open(tmp_path)
    assert stored.planned == 5
    assert sorted(r["key"] for r in stored.finished) == ["a", "a-eroded", "b"]


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 99}'])
def test_damaged_run_is_one_line(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(InvalidOptionError, match="--fresh"):
        StoredRun.open(tmp_path)


def test_no_run_is_one_line(tmp_path):
    with pytest.raises(InvalidOptionError, match="no run is stored"):
        StoredRun.open(tmp_path)
