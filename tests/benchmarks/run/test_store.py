import json

import pytest

from bokehbench.benchmarks.run.row_files import RowWriter
from bokehbench.benchmarks.run.store import RUN_SCHEMA, StoredRun, read_meta, write_meta
from bokehbench.core.errors import DamagedRecordError, InvalidOptionError

from ...stored_records import META, row


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
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "run.json").write_text("{}")
    with pytest.raises(InvalidOptionError, match=r"befor: no run is stored here: .*\. Did you mean before\?"):
        StoredRun.open(tmp_path / "befor")


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


@pytest.mark.parametrize("values", [{"renderer": "another"}, {"dataset": "another"}])
def test_a_row_that_is_of_no_renderer_or_data_set_of_its_run_is_named(tmp_path, caplog, values):
    write_meta(tmp_path, META | {"cases": ["a", "b"], "sweep": META | {"cases": ["b"]}})
    with RowWriter(tmp_path) as writer:
        writer.append(row("a", status="failed", reason="torn"))
        writer.append(row("b", status="failed", reason="torn", **values))
    stored = StoredRun.open(tmp_path)
    assert ([r["key"] for r in stored.rows], stored.sweep) == (["a"], [])
    assert ["b: passed over" in entry.getMessage() for entry in caplog.records] == [True]
