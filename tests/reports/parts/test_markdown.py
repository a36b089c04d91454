"""A leaderboard as Markdown: what it says is what the statistics say, and names stay names."""

import dataclasses
import re

import pytest

from bokehbench.benchmarks.run.store import StoredRun
from bokehbench.reports.parts.leaderboard import make_leaderboard
from bokehbench.reports.parts.markdown import code, text, write_markdown
from bokehbench.reports.parts.standings import merge_runs
from bokehbench.reports.parts.tables import build_table

TIMES = "\N{MULTIPLICATION SIGN}"
HOSTILE = "<script>alert(1)</script> | `x` [y](http://z) www.z\n# h *b* _i_"


@pytest.fixture
def board(compared_folders):
    return make_leaderboard([StoredRun.open(folder) for folder in compared_folders])


def lines_of(page, title):
    section = page.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| `")]


def test_lines_are_in_the_order_of_psnr_with_the_reports_own_marks(board, compared_folders):
    page = write_markdown(board, "python -m this")
    names = [re.match(r"\| `(.*?)`", line)[1] for line in lines_of(page, "pairs")]
    values = [one.row.cells[0].value for one in board.boards[0].standings]
    assert names == [one.row.renderer for one in board.boards[0].standings]
    assert values == sorted(values, reverse=True)
    assert names[0] == "fancy (after)"
    merged = merge_runs("pairs", [StoredRun.open(folder) for folder in compared_folders])
    table = build_table(merged.rows, names, merged.metrics, merged.clusters)
    assert {row.renderer: row.cells for row in table.rows} == {
        one.row.renderer: one.row.cells for one in board.boards[0].standings
    }


def test_the_page_says_what_its_numbers_rest_on(board):
    page = write_markdown(board, "python -m this")
    assert page.startswith("# Leaderboard\n")
    assert "    python -m this\n" in page
    assert "- Time: " not in page, "classical is not among them"
    assert "| 1 | `before` | here | `abc` | Abacus |" in page
    published = page.partition("## Published numbers")[2]
    assert "none of it was measured here" in published
    assert "| BokehDiff | as published | 36.798 | 0.9814 | — | 0.0888 |" in published
    assert "36.798" not in page.partition("## Published numbers")[0]


def test_units_of_an_imported_run_stay_units(board):
    columns = board.boards[0].table.columns
    columns[0] = dataclasses.replace(columns[0], unit=HOSTILE)
    assert "<script" not in write_markdown(board, "python -m this")


def test_names_stay_names():
    shown = text(HOSTILE)
    assert "\n" not in shown
    assert "<" not in shown
    assert shown.count("|") == shown.count("\\|")
    assert "http\\://" in shown
    assert "www\\." in shown
    assert code("a`b|c") == "a\\`b\\|c"
    assert code("bokehdiff@FOLDER") == "`bokehdiff@FOLDER`"
    assert text("# a heading") == "\\# a heading"


def test_a_leaderboard_needs_two_renderers_with_scores(run_writer):
    writer = run_writer(["plain", "broken"])
    for number in range(2):
        writer.case("pairs", f"s{number}", "plain", {"psnr": 20.0})
        writer.case("pairs", f"s{number}", "broken", status="skipped", reason="no weights")
    assert make_leaderboard([writer.open()]) is None


def test_what_failed_is_named_last_and_below(run_writer):
    writer = run_writer(["plain", "fancy", "classical", "broken"])
    for number in range(3):
        for renderer, bonus in (("plain", 0.0), ("fancy", 4.0), ("classical", 2.0)):
            writer.scene("pairs", f"s{number}")
            writer.case(
                "pairs", f"s{number}", renderer, {"psnr": 20.0 + bonus}, seconds=1.0 + bonus, device="cpu", dtype="f"
            )
        writer.case("pairs", f"s{number}", "broken", status="skipped", reason="no weights <here>")
    page = write_markdown(make_leaderboard([writer.open()]), "this")
    lines = lines_of(page, "pairs")
    assert [line.split("`")[1] for line in lines] == ["fancy", "classical", "plain", "broken"]
    assert "0 of 3, 3 skipped" in lines[-1]
    assert [line.split(" | ")[-2] for line in lines] == [f"1.7 {TIMES}", f"1 {TIMES}", f"0.33 {TIMES}", "—"]
    assert "- Time: seconds of run default, one render a scene, 64x48 px: median over scenes." in page
    assert "- broken: skipped on 3 cases: no weights &lt;here&gt;" in page
