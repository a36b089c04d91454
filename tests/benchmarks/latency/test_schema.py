"""latency.json: a damaged measurement is left out and named, a damaged file is one line."""

import json

import pytest

from bokehbench.benchmarks.latency.session import read_latency
from bokehbench.core.errors import DamagedRecordError

from ...stored_records import MEASUREMENT

POINT = {
    "renderer": "identity",
    "weights": None,
    "device": "cpu",
    "dtype": "float32",
    "height": 16,
    "width": 24,
    "radius_px": 2.0,
    "environment": "e",
    "time": "2026-01-02T03:04:05Z",
}
FAILED = {**POINT, "status": "failed", "reason": "out of memory"}
RECORD = {
    "schema": 1,
    "command": "bench",
    "started": "2026-01-02T03:04:05Z",
    "rule": {"least": 2, "most": 2, "narrow": 0.05, "seconds": 3.0},
    "cuda": None,
    "plan": ["good", "bad"],
    "environments": {"e": {"processor": "Abacus"}},
    "measurements": {"good": {**POINT, **MEASUREMENT}, "bad": FAILED},
}


def read(folder, record):
    (folder / "latency.json").write_text(json.dumps(record))
    return read_latency(folder)


def test_what_was_written_is_read(tmp_path):
    assert read(tmp_path, RECORD)["measurements"] == RECORD["measurements"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("spread", "median"), "fast"),
        (("spread", "median"), 0.0),
        (("spread",), None),
        (("memory",), []),
        (("width",), 0),
        (("gpu",), ["a card"]),
        (("stages",), {"scatter": "long"}),
        (("status",), "good"),
        (("environment",), 3),
    ],
)
def test_a_damaged_measurement_is_left_out_and_named(tmp_path, caplog, place, value):
    bad = json.loads(json.dumps({**POINT, **MEASUREMENT}))
    inner = bad
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    found = read(tmp_path, RECORD | {"measurements": RECORD["measurements"] | {"bad": bad}})
    assert list(found["measurements"]) == ["good"]
    (said,) = [entry.getMessage() for entry in caplog.records]
    assert "latency.json: bad: " in said
    assert "\n" not in said


@pytest.mark.parametrize("name", ["command", "rule", "plan", "environments", "measurements", "started"])
@pytest.mark.parametrize("value", [None, 7, [3]])
def test_a_mistyped_entry_is_one_line(tmp_path, name, value):
    with pytest.raises(DamagedRecordError, match=f"latency.json: {name}.*measure again with --latency"):
        read(tmp_path, RECORD | {name: value})


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 99}'])
def test_damaged_file_is_one_line(tmp_path, content):
    (tmp_path / "latency.json").write_text(content)
    with pytest.raises(DamagedRecordError, match="measure again with --latency"):
        read_latency(tmp_path)
    assert read_latency(tmp_path / "nowhere") is None
