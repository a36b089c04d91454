"""How many scenes means are over: those with scores, wherever the number is written."""

import re

import pytest

from bokehbench.reports.parts.leaderboard import make_leaderboard
from bokehbench.reports.parts.markdown import write_markdown
from bokehbench.reports.parts.paper import make_paper_table, write_paper_latex, write_paper_markdown
from bokehbench.reports.report import write_report

PSNR = 30.0


@pytest.fixture
def writer(run_writer):
    """Three scenes with a target, and one without: its renders have no score."""
    writer = run_writer()
    for number in range(4):
        writer.scene("pairs", f"s{number}")
        for renderer, bonus in (("plain", 0.0), ("fancy", 1.0)):
            scores = {"psnr": PSNR + number + bonus, "lpips": 0.1} if number < 3 else {}
            writer.case("pairs", f"s{number}", renderer, scores)
    return writer


def break_one(writer):
    for renderer in ("plain", "fancy"):
        writer.case("pairs", "broken", renderer, status="failed", reason="cannot be read")


@pytest.mark.parametrize("tried", [4, 5])
def test_scenes_without_a_score_do_not_count_in_any_text(writer, tmp_path, tried):
    if tried == 5:
        break_one(writer)
    run = writer.open()
    basis = f"eans over the 3 of {tried} scenes on which every renderer has a score"
    table = make_paper_table(run)
    assert {column.cells["plain"].value for column in table.columns if column.metric == "psnr"} == {PSNR + 1.0}
    first = write_report(run, tmp_path / "reports")
    texts = {
        "table.md": write_paper_markdown(table),
        "table.tex": write_paper_latex(table, "mine"),
        "leaderboard.md": write_markdown(make_leaderboard([run]), "command"),
        "index.html": first.read_text(),
        "leaderboard.html": first.with_name("leaderboard.html").read_text(),
        "all runs": (tmp_path / "reports" / "index.html").read_text(),
    }
    for name, text in texts.items():
        assert re.findall(r"eans over the .*? has a score", text)[:1] == [basis], name
        assert "of 3 scenes" not in text, name


def test_a_metric_of_fewer_scenes_says_so_where_a_head_does_not(writer):
    for row in writer.rows:
        if row["scene"] == "s2":
            row["metrics"]["lpips"] = None
    assert "has a score (lpips over 2). Bold" in make_paper_table(writer.open()).caption


def test_without_any_metric_nothing_is_called_a_mean_or_best(run_writer, tmp_path):
    writer = run_writer(["plain"])
    for metric in writer.meta["metrics"].values():
        metric |= {"available": False, "reason": "no weights"}
    writer.scene("pairs", "s0")
    writer.case("pairs", "s0", "plain")
    first = write_report(writer.open(), tmp_path / "reports")
    shown = first.read_text().partition('id="method"')[0]
    assert "No metric was computed: times alone, on 1 scene" in shown
    for text in (shown, (tmp_path / "reports" / "index.html").read_text()):
        assert "Means over" not in text
        assert "the best mean" not in text
        assert "95 % interval" not in text
