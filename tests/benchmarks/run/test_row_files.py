"""Rows on disk: what is whole is kept, what is torn is cut off, what is no row is named."""

import json
import os
import resource
import time

import pytest

from bokehbench.benchmarks.run.row_files import DAMAGED_LINES, RowWriter, read_rows, scan_rows, set_damaged_lines_aside
from bokehbench.core.errors import CannotWriteError

from ...stored_records import row

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
    for name in (
        "notes",
        "backend",
        "input",
        "input_sha256",
        "disparity",
        "disparity_sha256",
        "weights",
        "peak_memory_mb",
        "time",
    ):
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
    assert keys(tmp_path) == ["whole", "next"]


def test_rows_refuse_nan(tmp_path):
    with RowWriter(tmp_path) as writer, pytest.raises(ValueError, match="JSON"):
        writer.append(row("a", seconds=float("inf")))
    assert scan_rows(tmp_path) == ({}, [])


def test_damaged_lines_are_set_aside_once(tmp_path):
    good = json.dumps(row("good")).encode()
    (tmp_path / PART).write_bytes(b"{}\n" + good + b"\nnonsense\n" + good)
    assert len(set_damaged_lines_aside(tmp_path)) == 2
    assert (tmp_path / PART).read_bytes() == good + b"\n" + good + b"\n"
    assert (tmp_path / DAMAGED_LINES).read_bytes() == b"{}\nnonsense\n"
    assert set_damaged_lines_aside(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new"), [(b"31.238472", b"31.238479"), (b'"psnr"', b'"qsnr"'), (b'"seconds"', b'"second"')]
)
def test_a_row_that_was_changed_is_no_row(tmp_path, old, new):
    """Whatever was changed: a digit of a score, say, which no type can see."""
    with RowWriter(tmp_path) as writer:
        writer.append(row("changed", metrics={"psnr": 31.238472}))
        writer.append(row("kept"))
    path = tmp_path / PART
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    rows, faults = scan_rows(tmp_path)
    assert list(rows) == ["kept"]
    assert ["changed after it was written" in fault for fault in faults] == [True]


def test_rows_of_versions_without_digests_are_read(tmp_path):
    (tmp_path / PART).write_text(json.dumps(row("old")) + "\n", encoding="utf-8")
    assert list(read_rows(tmp_path)) == ["old"]
