"""The first page: what its first screen says and shows."""

import re

import pytest

from bokehbench.reports.report import write_report


@pytest.mark.parametrize(
    ("scored", "why"),
    [(True, "no case on a data set with ground truth has finished"), (False, "there is no ground truth to compare")],
)
def test_without_scores_the_first_line_says_why(run_writer, tmp_path, scored, why):
    writer = run_writer()
    for about in writer.meta["datasets"].values():
        about["scored"] = scored
    assert f"No scores: {why}" in write_report(writer.open(), tmp_path / "reports").read_text(encoding="utf-8")


def test_crops_of_the_first_screen_do_not_wait_for_scrolling(typical_report):
    page = (typical_report / "index.html").read_text(encoding="utf-8")
    crops = re.findall(r'<img [^>]*alt="(\w+), enlarged"([^>]*)>', page)
    assert [name for name, options in crops if "lazy" not in options] == ["input", "target", "plain"]
