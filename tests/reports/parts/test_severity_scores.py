"""Scores at each severity are those of pandas and of the statistics; every pair is in the file."""

import pandas as pd
import pytest

from bokehbench.benchmarks.statistics.significance import compare_pairs
from bokehbench.reports.files.assets import Assets
from bokehbench.reports.pages.robustness import describe_robustness
from bokehbench.reports.parts.pictures import PictureMaker
from bokehbench.reports.report import write_report
from bokehbench.robustness.curves import Degradation

BEST = "blind", 0


@pytest.fixture(scope="module")
def tables(swept_report):
    folder = swept_report / "assets/tables"
    return (pd.read_csv(folder / f"robustness-1-psnr-{what}.csv") for what in ("scores", "score-tests"))


def test_means_standing_and_pairs(swept_run, tables):
    scores, tests = tables
    found = Degradation(swept_run.sweep, "erode", "psnr", True)
    clusters = {scene: scene for scene in found.scores.index}
    assert set(scores.severity) == set(found.severities) == set(tests.severity)
    for severity, mine in scores.groupby("severity"):
        values = pd.DataFrame({name: found.scores[name][severity] for name in found.renderers})
        means, pairs = values.mean(), compare_pairs(values, clusters)
        assert dict(zip(mine.renderer, mine["mean"], strict=True)) == pytest.approx(means.to_dict())
        assert mine.set_index("renderer").standing[means.idxmax()] == "best"
        for line in mine.itertuples():
            tied = not pairs.differ(line.renderer, means.idxmax()) if line.standing != "best" else False
            assert (line.standing == "tied") == (tied and pairs.can_decide)
        for line in tests[tests.severity == severity].itertuples():
            assert line.difference == pytest.approx(means[line.first] - means[line.second])
            assert line.p == pairs.p_values[frozenset((line.first, line.second))]
            assert line.p_all_pairs == pairs.adjusted[frozenset((line.first, line.second))]
        n = len(means)
        assert (tests.severity == severity).sum() == n * (n - 1) // 2


def test_page_shows_them_before_the_drops(swept_report):
    text = (swept_report / "robustness.html").read_text(encoding="utf-8")
    assert text.index("psnr at each severity") < text.index("What is lost along the axis")
    assert "Tests against the best at each severity" in text
    assert text.count("blind") > 5  # it never reads the disparity, and its scores compare all the same


@pytest.mark.parametrize(("scenes", "shown"), [(1, False), (8, True)])
def test_the_legend_speaks_of_intervals_where_there_are_some(swept_run, tmp_path, scenes, shown):
    kept = {f"scene {number}" for number in range(scenes)}
    swept_run.sweep[:] = [row for row in swept_run.sweep if row["scene"] in kept]
    page = (write_report(swept_run, tmp_path).parent / "robustness.html").read_text(encoding="utf-8")
    assert ("95 % bootstrap intervals</a>" in page) == shown
    assert ("its interval is rough" in page) == shown
    assert ("1 independent scene is too few" in page) != shown


def test_the_test_against_the_best_calls_equal_scores_equal(swept_run, tmp_path):
    scores = {row["scene"]: row["metrics"] for row in swept_run.sweep if (row["renderer"], row["severity"]) == BEST}
    for row in swept_run.sweep:
        if row["renderer"] == "fragile":
            row["metrics"] = scores[row["scene"]]
    about = swept_run.meta["sweep"]["renderers"]
    page = describe_robustness(swept_run, PictureMaker(Assets(tmp_path)), None, dict.fromkeys(about, 0))
    verdicts = {
        line.verdict
        for axis in page["axes"]
        for metric in axis.metrics
        for line in metric.scores.tests
        if {line.renderer, line.best} == {"blind", "fragile"}
    }
    assert verdicts == {"equal"}
