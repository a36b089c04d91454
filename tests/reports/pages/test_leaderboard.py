"""The leaderboard page of a run: its own numbers first."""

import re

import pytest

from bokehbench.reports.report import write_report


@pytest.mark.parametrize(("dataset", "own"), [("folder", []), ("blb@5", ["BLB Level 5"])])
def test_published_numbers_on_other_data_sets_are_folded(run_writer, tmp_path, dataset, own):
    writer = run_writer(datasets={dataset: True})
    writer.scene(dataset, "s")
    for renderer, psnr in (("plain", 30.0), ("fancy", 31.0)):
        writer.case(dataset, "s", renderer, {"psnr": psnr, "lpips": 0.1})
    page = write_report(writer.open(), tmp_path).with_name("leaderboard.html").read_text(encoding="utf-8")
    shown, _, folded = page.partition('id="published-title"')[2].partition("<details")
    tables = 'aria-label="Published numbers on (.*?),'
    assert re.findall(tables, shown) == own
    assert {"EBB Val294 (exposure-aligned)", "VABD f/1.8", "BLB Level 5"} - set(own) <= set(re.findall(tables, folded))
    assert "On other data sets than this run\N{RIGHT SINGLE QUOTATION MARK}s: " in folded
    assert not set(own) & set(re.findall(tables, folded))
