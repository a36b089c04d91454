import json
import os
import time

import pytest

from bokehbench.benchmarks.run.store import (
    RUN_SCHEMA,
    RowWriter,
    StoredRun,
    read_meta,
    read_rows,
    scan_rows,
    write_meta,
)
from bokehbench.core.errors import DamagedRecordError, InvalidOptionError

from ...stored_records import META, row

PART = "rows-00000.jsonl"


def keys(folder):
    return list(read_rows(folder))


def metrics(value):
    return {"metrics": {"psnr": value}}


def test_newest_row_of_a_key_wins(tmp_path):
    with RowWriter(tmp_path) as writer:
        writer.append(row("a", seconds=1))
        writer.append(row("b", seconds=2))
        writer.append(row("a", seconds=3))
    assert {key: r["seconds"] for key, r in read_rows(tmp_path).items()} == {"a": 3, "b": 2}


@pytest.mark.parametrize("cut", range(2, 400, 23))
def test_torn_line_is_passed_over_and_cut_off(tmp_path, cut):
    with RowWriter(tmp_path) as writer:
        writer.append(row("whole"))
        writer.append(row("torn"))
    path = tmp_path / PART
    path.write_bytes(path.read_bytes()[:-cut])
    assert keys(tmp_path) == ["whole"]
    with RowWriter(tmp_path) as writer:
        writer.append(row("next"))
    rows, faults = scan_rows(tmp_path)
    assert (list(rows), faults) == (["whole", "next"], [])


def test_a_whole_line_without_its_end_is_kept(tmp_path):
    with RowWriter(tmp_path) as writer:
        writer.append(row("first"))
        writer.append(row("last"))
    path = tmp_path / PART
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert keys(tmp_path) == ["first", "last"]
    with RowWriter(tmp_path):
        pass
    assert path.read_bytes() == whole
    path.write_bytes(whole[:-1])
    with RowWriter(tmp_path) as writer:
        writer.append(row("next"))
    assert keys(tmp_path) == ["first", "last", "next"]


def changed(**values):
    return json.dumps(row("a", **values)).encode()


BAD_LINES = {
    "no JSON": b"{",
    "no object": b"[1]",
    "null": b"null",
    "no UTF-8": changed(scene="x").replace(b'"x"', b'"\xff"'),
    "UTF-16": changed().decode().encode("utf-16"),
    "a name twice": changed().replace(b'"seed"', b'"severity"'),
    "NaN": changed(**metrics(float("nan"))),
    "infinity": changed(**metrics(float("inf"))),
    "too large": changed(**metrics(1.5)).replace(b"1.5", b"1e999"),
    "a huge number": changed(severity=10**400),
    "a score as text": changed(**metrics("30")),
    "a score as truth": changed(**metrics(True)),
    "scores as a list": changed(metrics=[30.0]),
    "a key that is no text": json.dumps(row("a") | {"key": 3}).encode(),
    "an unknown status": changed(status="good"),
    "half a character": changed(scene="x").replace(b'"x"', b'"\\ud800"'),
    "deep nesting": changed().replace(b'{"psnr": 30.0}', b"[" * 100_000 + b"]" * 100_000),
    "another schema": changed(schema=2),
    "something missing": b'{"schema": 1, "key": "a"}',
    "ok without a picture": changed(image=None),
    "a picture elsewhere": changed(image="/etc/passwd"),
    "a picture above": changed(image="images/../../secret.png"),
    "negative seconds": changed(seconds=-1.0),
}


@pytest.mark.parametrize("bad", BAD_LINES.values(), ids=BAD_LINES)
def test_a_line_that_is_no_row_is_named_and_passed_over(tmp_path, bad):
    good = json.dumps(row("good")).encode()
    (tmp_path / PART).write_bytes(good + b"\n\n" + bad + b"\n")
    rows, faults = scan_rows(tmp_path)
    assert list(rows) == ["good"]
    assert len(faults) == 1
    assert f"{PART}, line 3" in faults[0]
    assert len(faults[0]) < 400
    assert "\n" not in faults[0]
    with RowWriter(tmp_path) as writer:
        writer.append(row("next"))
    assert (tmp_path / PART).read_bytes().startswith(good + b"\n\n" + bad + b"\n"), "nothing whole is cut"


def test_many_bad_lines_are_counted(tmp_path):
    (tmp_path / PART).write_text("{}\n" * 1000)
    faults = scan_rows(tmp_path)[1]
    assert len(faults) < 30
    assert "lines are no rows" in faults[-1]


def test_rows_that_cannot_be_read_cost_no_others(tmp_path):
    with RowWriter(tmp_path) as writer:
        writer.append(row("a"))
    (tmp_path / "rows-00001.jsonl").mkdir()
    os.mkfifo(tmp_path / "rows-00002.jsonl")
    rows, faults = scan_rows(tmp_path)
    assert list(rows) == ["a"]
    assert [name in fault for name, fault in zip(("00001", "00002"), faults, strict=True)] == [True, True]


def test_rows_of_earlier_versions_are_filled_in(tmp_path):
    old = row("a")
    for name in ("notes", "backend", "disparity", "disparity_sha256", "weights", "peak_memory_mb", "time"):
        del old[name]
    with RowWriter(tmp_path) as writer:
        writer.append(old)
    found = read_rows(tmp_path)["a"]
    assert (found["notes"], found["backend"], found["disparity"]) == ({}, None, None)


def test_ten_thousand_rows_are_read_in_about_a_second(tmp_path):
    line = json.dumps(row("KEY", metrics=dict.fromkeys("abcdef", 31.238472)))
    (tmp_path / PART).write_text("".join(line.replace("KEY", f"k{n}") + "\n" for n in range(10_000)))
    start = time.perf_counter()
    rows = read_rows(tmp_path)
    assert len(rows) == 10_000
    assert time.perf_counter() - start < 3.0, "some 0.3 s on an idle machine"


def test_rows_refuse_nan(tmp_path):
    with RowWriter(tmp_path) as writer, pytest.raises(ValueError, match="JSON"):
        writer.append(row("a", seconds=float("inf")))
    assert scan_rows(tmp_path) == ({}, [])


def test_opening_shows_the_cases_in_their_order(tmp_path):
    write_meta(tmp_path, META | {"cases": ["c", "a", "missing"]})
    with RowWriter(tmp_path) as writer:
        for key in "abc":
            writer.append(row(key))
    assert [r["key"] for r in StoredRun.open(tmp_path).rows] == ["c", "a"]


def test_a_run_counts_its_sweep_and_what_both_share_once(tmp_path):
    sweep = META | {"cases": ["a", "a-eroded", "b-eroded"]}
    write_meta(tmp_path, META | {"cases": ["a", "b", "missing"], "sweep": sweep})
    with RowWriter(tmp_path) as writer:
        for key in ("a", "b", "a-eroded", "of an earlier command"):
            writer.append(row(key))
    stored = StoredRun.open(tmp_path)
    assert stored.planned == 5
    assert sorted(r["key"] for r in stored.finished) == ["a", "a-eroded", "b"]


def without(record, *place):
    """Return ``record`` without the entry at ``place``."""
    copied = json.loads(json.dumps(record))
    inner = copied
    for name in place[:-1]:
        inner = inner[name]
    del inner[place[-1]]
    return json.dumps({"schema": RUN_SCHEMA, **copied})


DAMAGED = {
    "no JSON": "{",
    "no object": "[]",
    "empty": "",
    "no schema": json.dumps(META),
    "a text as schema": json.dumps({"schema": "2", **META}),
    "no cases": without(META, "cases"),
    "no device": without(META, "settings", "device"),
    "cases as a text": json.dumps({"schema": RUN_SCHEMA, **META, "cases": "abc"}),
    "an environment as a list": json.dumps({"schema": RUN_SCHEMA, **META, "environments": {"e": []}}),
    "packages as a list": json.dumps({"schema": RUN_SCHEMA, **META, "environments": {"e": {"packages": []}}}),
    "a sweep without cases": without(META | {"sweep": META}, "sweep", "cases"),
    "a name twice": '{"schema": 2, "schema": 2}',
    "deep nesting": "[" * 100_000,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damaged_run_is_one_line_with_a_remedy_that_keeps_its_rows(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(DamagedRecordError, match=r"run\.json: .*give the run's command again") as raised:
        StoredRun.open(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_run_of_a_later_version_is_refused(tmp_path):
    (tmp_path / "run.json").write_text('{"schema": 99}')
    with pytest.raises(InvalidOptionError, match=r"got 99: .*--fresh") as raised:
        StoredRun.open(tmp_path)
    assert not isinstance(raised.value, DamagedRecordError)


def test_what_is_damaged_is_named_when_a_run_is_opened(tmp_path, caplog):
    write_meta(tmp_path, META | {"cases": ["a", "b"]})
    with RowWriter(tmp_path) as writer:
        writer.append(row("a"))
        writer.append(row("b", scene="t"))
        writer.append_line(b"{}")
    record = tmp_path / "scenes" / "d" / "s" / "scene.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"dataset": "d"}')
    stored = StoredRun.open(tmp_path)
    assert [r["key"] for r in stored.rows] == ["a", "b"]
    assert stored.scenes == []
    said = [entry.getMessage() for entry in caplog.records]
    assert ["line 3" in said[0], "scene.json" in said[1], "d / t" in said[2]] == [True] * 3
    assert len(said) == 3


def test_no_run_is_one_line(tmp_path):
    with pytest.raises(InvalidOptionError, match="no run is stored"):
        StoredRun.open(tmp_path)


PLANNED = {name: value for name, value in META.items() if name not in ("cases", "starts")}
OLD = json.dumps(PLANNED | {"schema": 1, "plan": ["a", "b"], "sweep": PLANNED | {"plan": ["a", "a-eroded"]}})


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
