import pandas as pd
import pytest

from bokehbench.benchmarks.statistics.estimates import rank_renderers
from bokehbench.benchmarks.statistics.significance import compare_pairs
from bokehbench.reports.parts.numbers import write_score
from bokehbench.reports.parts.tables import build_table


def table_of(run, dataset="pairs"):
    rows = [row for row in run.rows if row["dataset"] == dataset]
    clusters = {row["scene"]: row["scene"] for row in rows}
    return rows, build_table(rows, list(run.meta["renderers"]), run.meta["metrics"], clusters)


def test_means_are_those_of_the_paired_scenes(typical_run):
    """Against a few lines of pandas over the raw rows."""
    rows, table = table_of(typical_run)
    frame = pd.DataFrame(rows)
    for position, metric in enumerate(("psnr", "lpips")):
        frame["value"] = [row["metrics"].get(metric) for row in rows]
        means = frame.pivot(index="scene", columns="renderer", values="value").dropna().mean()
        for line in table.rows:
            assert line.cells[position].value == pytest.approx(means[line.renderer])
            assert line.cells[position].text == f"{means[line.renderer]:.{2 if metric == 'psnr' else 4}f}"


def test_pairing_and_absent_values_are_said(typical_run):
    _, table = table_of(typical_run)
    assert table.scored_scenes == 3
    assert "3 of 4 scenes" in table.basis
    assert [(column.name, column.scenes) for column in table.columns] == [("psnr", 3), ("lpips", 2)]
    assert [(line.finished, line.tried, line.unfinished) for line in table.rows] == [(4, 4, ""), (3, 4, "1 failed")]
    assert table.absent == {"dists": "made"}
    assert table.rows[0].seconds_text == "250 ms"


def test_a_broken_metric_is_explained_among_the_problems(typical_run):
    typical_run.meta["metrics"]["dists"]["broken"] = True
    _, table = table_of(typical_run)
    assert table.absent == {"dists": "problems"}


def test_intervals_and_standing_are_those_of_the_statistics(typical_run):
    rows, table = table_of(typical_run)
    frame = pd.DataFrame(rows)
    frame["value"] = [row["metrics"].get("psnr") for row in rows]
    scores = frame.pivot(index="scene", columns="renderer", values="value").dropna()
    clusters = {scene: scene for scene in scores.index}
    expected, pairs = rank_renderers(scores, clusters, True), compare_pairs(scores, clusters)
    for score in expected.scores:
        cell = next(line.cells[0] for line in table.rows if line.renderer == score.renderer)
        assert cell.interval == f"{score.interval.low:.2f} \N{EN DASH} {score.interval.high:.2f}"
        assert (cell.standing == "best") == (score.renderer == expected.best)
        if score.renderer != expected.best:
            apart = pairs.differ(score.renderer, expected.best) or not pairs.can_decide
            assert cell.standing == ("" if apart else "tied")
            assert cell.difference.startswith(write_score(score.difference, "dB"))


def test_lower_is_better_where_the_metric_says_so(run_writer):
    writer = run_writer()
    for number in range(6):
        for renderer, score in (("plain", 1.0 + number / 8), ("fancy", 2.0 + number / 8)):
            writer.case("pairs", f"s{number}", renderer, {"psnr": score, "lpips": score})
    _, table = table_of(writer.open())
    plain, fancy = table.rows
    assert [cell.standing for cell in plain.cells] == ["", "best"]
    assert [cell.standing for cell in fancy.cells] == ["best", ""]


def test_renderer_that_never_finished_takes_no_scene_from_the_others(run_writer):
    writer = run_writer(["plain", "broken"])
    for number in range(2):
        writer.case("pairs", f"s{number}", "plain", {"psnr": 20.0 + number, "lpips": 0.5})
        writer.case("pairs", f"s{number}", "broken", status="skipped", reason="no weights")
    _, table = table_of(writer.open())
    plain, broken = table.rows
    assert plain.cells[0].value == 20.5
    assert broken.cells[0].value is None
    assert broken.cells[0].text == "—"
    assert broken.cells[0].note == "no case finished"
    assert broken.seconds_text == "—"
    assert broken.unfinished == "2 skipped"
    assert any(note.startswith("broken finished no case") for note in table.notes)


def test_one_cluster_has_no_interval_and_sets_nobody_apart(run_writer):
    writer = run_writer()
    for renderer, score in (("plain", 20.0), ("fancy", 21.0)):
        writer.case("pairs", "only", renderer, {"psnr": score, "lpips": 0.5})
    _, table = table_of(writer.open())
    assert [line.cells[0].interval for line in table.rows] == ["", ""]
    assert [line.cells[0].standing for line in table.rows] == ["", "best"]
    assert any("no interval" in note for note in table.notes)


def test_no_finished_case_makes_no_table(run_writer):
    writer = run_writer()
    writer.case("pairs", "s", "plain", status="failed", reason="broken")
    _, table = table_of(writer.open())
    assert table is None


def test_renderers_that_are_given_less_stand_last_and_are_named(typical_run):
    rows = [row for row in typical_run.rows if row["dataset"] == "pairs"]
    first, second = typical_run.meta["renderers"]
    clusters = {row["scene"]: row["scene"] for row in rows}
    table = build_table(rows, [first, second], typical_run.meta["metrics"], clusters, apart=[first])
    assert [(line.renderer, line.apart) for line in table.rows] == [(second, False), (first, True)]
    assert any(note.startswith(f"{first}: given neither disparity nor focus") for note in table.notes)
