"""Tables of a sweep for a paper hold what a few lines of pandas over the scenes' file say."""

import numpy as np
import pandas as pd
import pytest

from bokehbench.reports.paper import main
from bokehbench.reports.parts.paper_robustness import TOO_FEW, make_robustness_tables, write_robustness_markdown


@pytest.fixture(scope="module")
def folder(swept_folder, tmp_path_factory):
    """The files of the swept run, in one metric."""
    folder = tmp_path_factory.mktemp("paper")
    assert main([str(swept_folder), "--output", str(folder), "--metrics", "psnr"]) == 0
    return folder


def test_means_are_those_of_the_scenes(folder):
    scenes = pd.read_csv(folder / "robustness-scenes.csv")
    table = pd.read_csv(folder / "robustness.csv")
    by_severity = scenes.groupby(["renderer", "severity"])["psnr"].mean()
    ends = table[table.severity != "mean"]
    assert len(ends) == len(by_severity) == 15
    for line in ends.itertuples():
        assert line.mean == pytest.approx(by_severity[line.renderer, float(line.severity)])
    for line in table[table.severity == "mean"].itertuples():
        curve = by_severity[line.renderer]
        assert line.mean == pytest.approx(np.trapezoid(curve, curve.index) / 16)


def test_latex_marks_one_best_a_column_and_says_what_it_shows(folder):
    text = (folder / "robustness.tex").read_text(encoding="utf-8")
    assert text.count(r"\textbf") == 6
    assert text.count(r"\underline") == 6
    assert r"{lrrrrrrl}" in text
    caption = text.partition(r"\caption")[2].partition("\n")[0]
    for words in ("8 scenes, 8 independent", "above 0 near things shrink (eroded)", "Protocol: protocol of pairs"):
        assert words in caption


def test_too_few_scenes_have_no_verdict(swept_run):
    swept_run.sweep[:] = [row for row in swept_run.sweep if row["scene"] in ("scene 0", "scene 1")]
    tables = make_robustness_tables(swept_run, ["steady", "fragile"], ["psnr"])
    text = write_robustness_markdown(tables)
    assert TOO_FEW.replace("*", r"\*") in text
    assert "| best |" not in text
    assert text.count("| — |") == 2
    assert "worse" not in text
    assert "blind" not in text
