"""The types of what a run stores: complete, documented, and those of what a run writes."""

import json
from pathlib import Path

from bokehbench.benchmarks.run.cases import Case
from bokehbench.benchmarks.run.rows import make_row
from bokehbench.benchmarks.run.schema import Row, row_schema
from bokehbench.core.records import parse_record

SCHEMA_FILE = Path(__file__).resolve().parents[3] / "docs" / "row.schema.json"


def test_the_documented_schema_is_that_of_the_code():
    """After a change: python -m bokehbench.benchmarks.run.schema > docs/row.schema.json"""
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == row_schema()


def test_a_new_row_has_every_entry_and_no_other():
    made = make_row(Case(dataset="d", scene="s", renderer="r"), "e", status="failed", reason="why", traceback="where")
    assert set(made) == set(row_schema()["properties"])
    assert parse_record(Row, json.dumps(made)) == made
