"""Every page of an imported run says so above its title, and whose it is."""

import re

import pytest

from bokehbench.reports.files.assets import TEMPLATES
from bokehbench.reports.report import TITLES, write_report

from ..stored_records import ORIGIN

SAID = "imported from theirs.zip: measured by Ada, ETH on Abacus as &#39;there&#39;"


def kicker(page):
    return re.search(r'<p class="kicker">(.*?)</p>', page, re.DOTALL)[1]


@pytest.mark.parametrize("imported", [True, False])
def test_each_page_says_where_the_run_comes_from(swept_run, tmp_path, imported):
    if imported:
        swept_run.meta["imported"] = ORIGIN | {"by": "Ada, ETH", "pictures": True}
    pages = list(write_report(swept_run, tmp_path).parent.glob("*.html"))
    assert {"index.html", "gallery.html", "robustness.html", "leaderboard.html"} <= {page.name for page in pages}
    for page in pages:
        said = kicker(page.read_text(encoding="utf-8"))
        assert said.startswith("Run “default”"), page.name
        assert (SAID in said) == imported, page.name


@pytest.mark.parametrize("page", TITLES)
def test_no_page_has_a_line_of_its_own_for_it(page):
    text = (TEMPLATES / page).read_text(encoding="utf-8")
    assert "kicker(run)" in text
    assert 'class="kicker"' not in text
