"""In a real browser: tables that are wider than a narrow screen."""

import re

import pytest

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_cell_covers_the_shadow_of_a_table_that_goes_on(watch, swept_report, theme):
    page = watch(swept_report / "robustness.html")
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    colours = page.locator(".scroll td").evaluate_all(
        "cells => cells.map(cell => getComputedStyle(cell).backgroundColor)"
    )
    assert page.locator(".scroll td.best").count()
    opacities = {float((re.findall(r"rgba\(.*, ([0-9.]+)\)", colour) or [1])[0]) for colour in colours}
    assert 0.0 < max(opacities) < 0.25
