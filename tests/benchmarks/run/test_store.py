import json
import resource

import pytest

from bokehbench.benchmarks.run.store import RUN_SCHEMA, SCHEMA, RowWriter, StoredRun, read_meta, read_rows, write_meta
from bokehbench.core.errors import CannotWriteError, InvalidOptionError


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


def test_a_full_disk_is_said_and_the_torn_line_does_no_harm(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with RowWriter(tmp_path) as writer:
        writer.append(row("whole"))
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "rows-00000.jsonl").stat().st_size + 9, limits[1]))
    try:
        with pytest.raises(CannotWriteError, match=r"rows-00000.jsonl: .*same command"), RowWriter(tmp_path) as writer:
            writer.append(row("torn"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
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


def test_opening_shows_the_cases_in_their_order(tmp_path):
    write_meta(tmp_path, {"cases": ["c", "a", "missing"]})
    with RowWriter(tmp_path) as writer:
        for key in "abc":
            writer.append(row(key))
    assert [r["key"] for r in StoredRun.open(tmp_path).rows] == ["c", "a"]


def test_a_run_counts_its_sweep_and_what_both_share_once(tmp_path):
    write_meta(tmp_path, {"cases": ["a", "b", "missing"], "sweep": {"cases": ["a", "a-eroded", "b-eroded"]}})
    with RowWriter(tmp_path) as writer:
        for key in ("a", "b", "a-eroded", "of an earlier command"):
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


OLD = """{
 "schema": 1, "run": "old", "command": "python run_bench.py --robustness", "plan": ["a", "b"],
 "sweep": {"command": "python run_bench.py --robustness", "plan": ["a", "a-eroded"]}
}"""


def test_a_run_of_schema_1_is_read(tmp_path):
    (tmp_path / "run.json").write_text(OLD)
    with RowWriter(tmp_path) as writer:
        for key in ("a-eroded", "b", "a"):
            writer.append(row(key))
    stored = StoredRun.open(tmp_path)
    assert [r["key"] for r in stored.rows] == ["a", "b"]
    assert [r["key"] for r in stored.sweep] == ["a", "a-eroded"]
    assert stored.planned == 3
    assert "plan" not in stored.meta | stored.meta["sweep"]


def test_what_is_written_is_of_the_present_schema(tmp_path):
    (tmp_path / "run.json").write_text(OLD)
    meta = read_meta(tmp_path)
    write_meta(tmp_path, meta)
    assert json.loads((tmp_path / "run.json").read_text())["schema"] == RUN_SCHEMA
    assert read_meta(tmp_path) == meta
