"""Records of scenes say which are independent: without one of them no interval and no verdict is given."""

from dataclasses import replace

import pytest

from bokehbench.benchmarks.run.store import UNKNOWN_UNIT, StoredRun
from bokehbench.benchmarks.statistics.run_comparison import compare_runs
from bokehbench.reports.pages.comparison import describe_changes, print_comparison
from bokehbench.reports.parts.paper import make_paper_table
from bokehbench.reports.parts.standings import merge_runs
from bokehbench.reports.parts.tables import build_table, find_clusters
from bokehbench.reports.parts.verdicts import write_verdict


@pytest.fixture
def folder(run_writer):
    """Eight scenes of two places; fancy is better on each."""
    writer = run_writer()
    for number in range(8):
        writer.scene("pairs", f"s{number}", cluster=f"place {number % 2}")
        for renderer, bonus in (("plain", 0.0), ("fancy", 1.0)):
            writer.case("pairs", f"s{number}", renderer, {"psnr": 30.0 + number + bonus, "lpips": 0.1})
    return writer.open().folder


@pytest.fixture(params=["lost", "empty", "edited"])
def without_record(folder, request):
    """The same after one record was lost, emptied, or given another place."""
    path = folder / "scenes" / "pairs" / "s3" / "scene.json"
    content = path.read_text()
    path.unlink()
    if request.param != "lost":
        path.write_text("" if request.param == "empty" else content.replace("place 1", "place 3"))
    return StoredRun.open(folder)


def build(run):
    return build_table(
        run.rows, ["plain", "fancy"], run.meta["metrics"], find_clusters(run, "pairs", run.rows), "plain"
    )


def test_two_places_are_too_few_for_a_verdict(folder):
    table = build(StoredRun.open(folder))
    assert table.basis == "Means over all 8 scenes, 2 of them independent"
    assert not any(column.can_decide for column in table.columns)


def test_a_table_says_that_independence_is_unknown_and_gives_no_verdict(without_record):
    table = build(without_record)
    assert table.basis == "Means over all 8 scenes, which of them are independent is unknown"
    assert table.notes[0].startswith("Which scenes are independent is unknown, as records of scenes are lost")
    assert not any("too few" in note or "one independent" in note for note in table.notes)
    assert not any(column.can_decide for column in table.columns)
    assert not any(cell.interval for row in table.rows for cell in row.cells)
    assert {line.verdict for line in table.tests} == {"independence unknown"}
    said = write_verdict(table, "pairs")
    assert "; too little is known of which scenes are independent to tell whether any other differs from it." in said


def test_so_do_a_paper_table_and_the_standings_of_several_runs(without_record):
    table = make_paper_table(without_record)
    assert "which of them are independent is unknown" in table.basis
    assert "Which scenes of pairs are independent is unknown: there is no *" in table.caption
    assert "too few" not in table.caption
    assert set(merge_runs("pairs", [without_record]).clusters.values()) == {UNKNOWN_UNIT}


def test_so_does_a_comparison_of_runs(without_record):
    other = [row | {"metrics": {"psnr": row["metrics"]["psnr"] + 1.0, "lpips": 0.1}} for row in without_record.rows]
    comparison = compare_runs(without_record, replace(without_record, rows=other))
    assert [warning.partition(",")[0] for warning in comparison.warnings] == ["which scenes are independent is unknown"]
    assert not any(change.can_decide for change in comparison.changes)


def test_so_do_the_lines_and_the_lead_of_a_comparison(without_record, run_writer):
    writer = type(run_writer())(without_record.folder.parent / "later", ["plain", "fancy"], {"pairs": True})
    for number in range(8):
        writer.scene("pairs", f"s{number}", cluster=f"place {number % 2}")
        for renderer in ("plain", "fancy"):
            writer.case("pairs", f"s{number}", renderer, {"psnr": 35.0 + number, "lpips": 0.2})
    (writer.folder / "scenes" / "pairs" / "s3" / "scene.json").unlink()
    comparison = compare_runs(without_record, writer.open())
    changed = [line for line in describe_changes(comparison) if line.change.differing]
    assert {line.verdict for line in changed} == {"independence unknown"}
    assert "Which scenes are independent is unknown: nothing tells whether anything changed." in print_comparison(
        comparison
    )
