import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bokehbench.benchmarks.run.store import StoredRun
from bokehbench.benchmarks.statistics.run_comparison import compare_runs
from bokehbench.reports.pages.comparison import print_comparison
from bokehbench.reports.report import write_comparison


@pytest.fixture
def comparison(compared_folders):
    return compare_runs(*map(StoredRun.open, compared_folders))


def test_what_changed_is_found_and_what_did_not_is_not(comparison):
    found = {(change.renderer, change.measure): change for change in comparison.changes}
    assert set(found) == {(r, m) for r in ("plain", "fancy") for m in ("psnr", "lpips", "time")}
    better = found["fancy", "psnr"]
    assert better.second - better.first == pytest.approx(better.test.difference)
    assert better.test.difference == pytest.approx(1.0, abs=0.1)
    assert better.test.p_value == 2.0**-9
    assert better.test.adjusted == pytest.approx(6 * 2.0**-9)  # Holm over all six lines
    assert better.test.significant
    assert not any(change.test.significant for change in comparison.changes if change is not better)
    assert found["plain", "lpips"].scenes == 9


def test_what_differed_is_listed(comparison):
    assert ("command", "python run_bench.py --run before", "python run_bench.py --run after") in comparison.settings
    assert ("torch", "before", "after") in comparison.settings
    assert "renderers only in before: old" in comparison.alone
    assert "renderers only in after: new" in comparison.alone
    assert comparison.pictures == {("pairs", "plain"): (10, 10), ("pairs", "fancy"): (10, 10)}


def test_page_table_and_terminal_agree(comparison, tmp_path):
    page = write_comparison(comparison, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "1 of 6 comparisons changed significantly" in text
    assert text.count(">better</td>") == 1
    assert text.count(">the same</td>") == 5
    assert "5 of 6 lines are the same in both runs" in text
    assert re.search(r"All 10 pictures are the same to the bit</dt>\s+<dd>plain, fancy</dd>", text)
    table = pd.read_csv(page.parent / "assets/tables/comparison.csv")
    assert np.allclose(table["mean after"] - table["mean before"], table["difference"])
    lines = print_comparison(comparison).splitlines()
    assert len([line for line in lines if line.startswith(("data set", "pairs"))]) == 7
    assert "1 of 6 comparisons changed significantly, at 5 % after Holm's correction over all of them." in lines
    assert "not compared: renderers only in before: old" in lines
    assert any(re.search(r"plain +time, s +\d", line) for line in lines)
    assert len({line.index(word) + len(word) for line, word in ((lines[0], "before"), (lines[1], "34.50"))}) == 1
    assert re.search(r"fancy +psnr, dB +34\.50 +35\.\d\d +\+\d\.\d\d \(.*\) +0\.012  better", "\n".join(lines))


def test_runs_without_anything_in_common(compared_folders, tmp_path):
    first, second = map(StoredRun.open, compared_folders)
    second.rows.clear()
    text = write_comparison(compare_runs(first, second), tmp_path).read_text(encoding="utf-8")
    assert "share no finished case" in text
    assert print_comparison(compare_runs(first, second)).startswith("The runs share no finished case")


def test_other_seeds_are_said(compared_folders):
    first, second = map(StoredRun.open, compared_folders)
    second.meta["settings"]["seed"] = 8
    rows = [{**row, "seed": 8} for row in second.rows]
    said = print_comparison(compare_runs(first, replace(second, rows=rows))).splitlines()
    assert said[0] == "The runs share no finished case of one renderer, scene and seed: their seeds are 7 and 8."


def test_a_run_is_the_same_as_itself(compared_folders):
    run = StoredRun.open(compared_folders[0])
    comparison = compare_runs(run, run)
    assert comparison.settings == comparison.alone == []
    assert all(change.test.p_value == 1.0 for change in comparison.changes)


def test_changes_that_cancel_in_the_mean_are_said(compared_folders):
    run = StoredRun.open(compared_folders[0])
    moves = {"s1": 1.0, "s2": -1.0}
    rows = [
        {**row, "metrics": {**row["metrics"], "psnr": row["metrics"]["psnr"] + moves.get(row["scene"], 0.0)}}
        if row["status"] == "ok" and row["renderer"] == "plain"
        else row
        for row in run.rows
    ]
    said = print_comparison(compare_runs(run, replace(run, rows=rows)))
    assert re.search(r"plain +psnr.* not distinguishable; 2 of \d+ scenes differ", said)
    assert "Nothing changed" not in said


@pytest.mark.parametrize("scenes", [2, 5, 8])
def test_too_few_scenes_give_no_verdict(compared_folders, tmp_path, scenes):
    """Of n scenes the smallest p-value is 2^(1-n), which six lines multiply."""
    names = {f"s{number}" for number in range(1, scenes + 1)}
    runs = [StoredRun.open(folder) for folder in compared_folders]
    comparison = compare_runs(*(replace(run, rows=[row for row in run.rows if row["scene"] in names]) for run in runs))
    decided = scenes == 8
    assert {change.can_decide for change in comparison.changes} == {decided}
    text = write_comparison(comparison, tmp_path).read_text(encoding="utf-8")
    assert (">too few scenes</td>" in text) == (not decided)
    assert (">better</td>" in text) == decided
    assert ">not distinguishable</td>" not in text
    assert ("too few independent scenes to tell" in text) == (not decided)
    assert (f"independent scenes ({scenes})" in text) == (not decided)


def test_numbers_of_scenes_that_are_too_few_are_one_warning_and_none_where_nothing_changed(compared_folders):
    first, second = map(StoredRun.open, compared_folders)
    names = {f"s{number}" for number in range(1, 4)}
    first, second = (replace(run, rows=[r for r in run.rows if r["scene"] in names]) for run in (first, second))
    assert not compare_runs(first, first).warnings
    comparison = compare_runs(first, second)
    fewer = [replace(change, units=2, differing=1) for change in comparison.changes]
    (warning,) = replace(comparison, changes=[*comparison.changes, *fewer]).warnings
    assert warning.startswith("too few independent scenes (2 or 3): ")


def test_settings_and_kinds_are_named_in_words(compared_folders):
    first, second = map(StoredRun.open, compared_folders)
    first.meta["settings"]["limit"], second.meta["datasets"]["more"] = None, second.meta["datasets"]["pairs"]
    comparison = compare_runs(first, second)
    assert ("limit", "none", "3") in comparison.settings
    assert "data sets only in after: more" in comparison.alone


def test_threads_are_among_what_differed(compared_folders):
    runs = [StoredRun.open(folder) for folder in compared_folders]
    for run, threads in zip(runs, (1, 2), strict=True):
        run.meta["environments"]["e1"]["threads"] = threads
    assert ("threads", "1", "2") in compare_runs(*runs).settings
