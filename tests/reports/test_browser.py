"""The page in a real browser: no error, no network, and everything that moves."""

import io

import pytest
from PIL import Image

from bokehbench.benchmarks.run.store import StoredRun
from bokehbench.benchmarks.statistics.run_comparison import compare_runs
from bokehbench.reports.report import write_comparison

pytestmark = pytest.mark.browser


@pytest.fixture
def page(watch, typical_report):
    """The gallery of the typical run."""
    return watch(typical_report / "gallery.html")


@pytest.fixture
def index(watch, typical_report):
    """The first page of the typical run."""
    return watch(typical_report / "index.html")


@pytest.fixture
def robustness(watch, swept_report):
    """The robustness page of a sweep."""
    return watch(swept_report / "robustness.html")


@pytest.fixture
def comparison(watch, compared_folders, tmp_path):
    """The page of two runs, alone in its folder."""
    return watch(write_comparison(compare_runs(*map(StoredRun.open, compared_folders)), tmp_path))


LOAD_ALL = "for (const image of document.images) if (image.getAttribute('src')) image.loading = 'eager'"
LOADED = "[...document.images].filter(i => i.getAttribute('src')).every(i => i.complete)"
BROKEN = "[...document.images].filter(i => i.getAttribute('src') && !i.naturalWidth).map(i => i.src)"


def first_column(page):
    return page.locator("table.scores tbody th").evaluate_all("cells => cells.map(cell => cell.dataset.value)")


@pytest.mark.parametrize("name", ["page", "index", "robustness"])
def test_every_picture_loads_when_it_is_reached(name, request):
    page = request.getfixturevalue(name)
    page.evaluate(LOAD_ALL)
    page.wait_for_function(LOADED)
    assert page.evaluate(BROKEN) == []


def test_columns_sort_both_ways_and_say_so(index):
    page = index
    assert first_column(page) == ["plain", "fancy"]
    head = page.locator("table.scores thead th").nth(1)
    head.get_by_role("button").click()
    assert (first_column(page), head.get_attribute("aria-sort")) == (["fancy", "plain"], "descending")
    head.get_by_role("button").press("Enter")
    assert (first_column(page), head.get_attribute("aria-sort")) == (["plain", "fancy"], "ascending")
    page.locator("table.scores thead th").first.get_by_role("button").click()
    assert first_column(page) == ["fancy", "plain"]
    assert head.get_attribute("aria-sort") is None


def test_what_was_not_computed_leads_to_its_reason(index):
    reason = index.get_by_text("no weights <here>: get them")
    assert not reason.is_visible()
    index.locator(".notes").get_by_role("link", name="dists").click()
    reason.wait_for(state="visible")  # the page answers to its new address, not to the click


def test_lightbox_by_keyboard(page):
    link = page.locator("a.picture").nth(3)
    link.focus()
    page.keyboard.press("Enter")
    dialog, title = page.locator("dialog"), page.locator("#lightbox-title")
    assert dialog.evaluate("box => box.open")
    assert title.inner_text() == "scene 0: plain"
    assert "psnr" in dialog.inner_text()
    page.keyboard.press("ArrowRight")
    assert title.inner_text() == "scene 0: plain, error map"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    assert title.inner_text() == "scene 1: plain"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("c")
    other = page.locator("[data-other]")
    other.wait_for(state="visible")
    assert other.get_attribute("src") == page.locator("a.picture[data-label=target]").first.evaluate("a => a.href")
    cut = "sheet => parseFloat(sheet.style.getPropertyValue('--cut'))"
    middle = page.locator("[data-sheet]").evaluate(cut)
    page.locator("[data-split]").fill("25")
    assert page.locator("[data-sheet]").evaluate(cut) < middle
    page.keyboard.press("Escape")
    assert not dialog.evaluate("box => box.open")
    assert link.evaluate("link => link === document.activeElement")


def test_close_ups_move_together(page):
    zoom = page.locator("[data-zoom]").first
    zoom.scroll_into_view_if_needed()
    zoom.locator("[data-scales] button", has_text="8").click()
    zoom.locator("[data-locator]").click()
    page.mouse.move(0, 0)
    places = "crops => new Set(crops.map(crop => `${crop.offsetLeft} ${crop.offsetTop} ${crop.offsetWidth}`)).size"
    lefts = "crops => crops.map(crop => crop.offsetLeft)"
    crops = zoom.locator(".crop img")
    before = crops.evaluate_all(lefts)
    box = zoom.locator(".crop").first.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 60, steps=3)
    page.mouse.up()
    assert crops.evaluate_all(lefts) == [left + 30 for left in before]
    assert crops.evaluate_all(places) == 1
    zoom.locator("[data-crops]").focus()
    page.keyboard.press("ArrowRight")
    assert crops.evaluate_all(lefts) == [left + 30 - 24 for left in before]
    page.keyboard.press("-")
    assert zoom.evaluate("element => element.style.getPropertyValue('--zoom')") == "4"


def test_overview_previews_and_keeps_on_a_click(page):
    zoom = page.locator("[data-zoom]").first
    overview = zoom.locator("[data-locator]")
    zoom.locator("[data-scales] button", has_text="8").click()
    frame = "frame => frame.offsetLeft"
    place = zoom.locator(".frame")
    zoom.locator("[data-locator]").click()
    page.mouse.move(0, 0)
    start = place.evaluate(frame)
    assert start > 0
    overview.hover(position={"x": 5, "y": 5})
    assert place.evaluate(frame) == 0
    page.mouse.move(0, 0)
    assert place.evaluate(frame) == start
    overview.click(position={"x": 5, "y": 5})
    page.mouse.move(0, 0)
    assert place.evaluate(frame) == 0


def test_a_crop_never_leaves_its_picture(page):
    zoom = page.locator("[data-zoom]").first
    zoom.scroll_into_view_if_needed()
    inside = """crops => crops.every(crop => {
      const [image, box] = [crop.querySelector("img"), crop];
      return image.offsetLeft <= 0 && image.offsetLeft + image.offsetWidth >= box.clientWidth - 1
        && image.offsetTop <= 0 && image.offsetTop + image.offsetHeight >= box.clientHeight - 1;
    })"""
    zoom.locator("[data-scales] button", has_text="8").click()
    for corner in ({"x": 1, "y": 1}, {"x": 60, "y": 40}):
        zoom.locator("[data-locator]").click(position=corner)
        assert zoom.locator(".crop").evaluate_all(inside)


def test_filter_renderers_and_theme(page):
    page.get_by_label("Find a scene").fill("SCENE 2")
    assert page.locator(".scene:visible").count() == 1
    assert page.locator("[data-count]").inner_text() == "1 of 6 scenes"
    page.get_by_label("plain", exact=True).uncheck()
    assert page.locator(".scene:visible .render:visible b").all_inner_texts() == ["input", "target", "fancy"]
    page.get_by_label("error maps").uncheck()
    assert page.locator(".render [data-part=error]:visible").count() == 0
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    toggle = page.locator("[data-theme-toggle]")
    toggle.click()
    toggle.click()
    assert toggle.inner_text() == "Theme: dark"
    assert page.evaluate(background) != light
    page.reload()
    assert toggle.inner_text() == "Theme: dark"


@pytest.fixture
def overview(watch, typical_report):
    """The list of runs."""
    return watch(typical_report.parent / "index.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 844)])
def test_the_first_screen_has_verdict_scores_and_crops(index, width, height, scheme):
    index.set_viewport_size({"width": width, "height": height})
    index.emulate_media(color_scheme=scheme)
    for part in ("h1", ".problems", "table.scores", ".closest .crop"):
        box = index.locator(part).first.bounding_box()
        assert box["y"] + box["height"] <= height, part
    assert not index.locator(".made .facts").is_visible()


@pytest.fixture
def leaderboard(watch, typical_report):
    """The leaderboard of the typical run."""
    return watch(typical_report / "leaderboard.html")


@pytest.mark.parametrize("name", ["page", "index", "robustness", "comparison", "overview", "leaderboard"])
def test_every_page_fits_both_widths_in_light_and_dark(name, request):
    page = request.getfixturevalue(name)
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    papers = set()
    for width, height in ((1400, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            papers.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(papers) == 2


def test_pages_lead_to_each_other_and_say_where_one_is(robustness):
    nav = robustness.get_by_role("navigation", name="Pages")
    assert nav.locator("[aria-current=page]").inner_text() == "Robustness"
    nav.get_by_text("Results").click()
    robustness.wait_for_url("**/index.html")
    nav.get_by_text("Gallery").click()
    robustness.wait_for_url("**/gallery.html")
    assert robustness.locator(".scene").count() == 8


def test_list_of_runs_leads_to_the_newest_and_back(overview):
    assert overview.locator("#newest h1").inner_text().startswith("pairs: ")
    overview.locator("#newest .kicker a").click()
    overview.wait_for_url("**/default/index.html")
    overview.get_by_text("All runs").click()
    overview.wait_for_url("**/index.html")
    head = overview.locator("table.runs thead th").first
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    overview.go_back()
    overview.wait_for_url("**/default/index.html")


def test_figures_follow_the_theme(robustness):
    shown = "[...document.querySelectorAll('.plot img')].filter(i => i.checkVisibility()).map(i => i.src)"
    assert all(not source.endswith("-dark.svg") for source in robustness.evaluate(shown))
    toggle = robustness.locator("[data-theme-toggle]")
    toggle.click()
    toggle.click()
    dark = robustness.evaluate(shown)
    assert len(dark) == 6  # two of each metric, two of the wrong band
    assert all(source.endswith("-dark.svg") for source in dark)
    robustness.emulate_media(color_scheme="dark")
    toggle.click()
    assert all(source.endswith("-dark.svg") for source in robustness.evaluate(shown))


def test_a_table_that_goes_on_has_a_shadow_at_its_edge(comparison):
    comparison.set_viewport_size({"width": 390, "height": 844})
    table = comparison.locator(".scroll").first

    def edge():
        picture = Image.open(io.BytesIO(table.screenshot())).convert("L")
        return picture.getpixel((picture.width - 3, 4))

    begin = edge()
    table.evaluate("table => table.scrollLeft = table.scrollWidth")
    assert begin < edge() - 10


def test_perturbed_pictures_are_compared_by_keyboard(robustness):
    robustness.locator("a.picture[data-label='fragile at +8']").first.focus()
    robustness.keyboard.press("Enter")
    title = robustness.locator("#lightbox-title")
    assert title.inner_text().endswith("fragile at +8")
    robustness.keyboard.press("c")
    other = robustness.locator("[data-other]")
    other.wait_for(state="visible")
    robustness.keyboard.press("ArrowLeft")
    assert title.inner_text().endswith("fragile at +4")
    robustness.keyboard.press("Escape")


def test_tests_are_folded_out_and_sorted(robustness):
    fold = robustness.locator("details", has_text="Tests against steady").first
    fold.locator("summary").press("Enter")
    table = fold.locator("table")
    assert table.locator("tbody tr").count() == 4
    head = table.locator("thead th").nth(2)
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    values = [float(v) for v in table.locator("tbody td:nth-child(3)").evaluate_all("c => c.map(x => x.dataset.value)")]
    assert values == sorted(values, reverse=True)


def test_worst_case_opens_beside_its_target(index):
    index.locator(".worst-case a.picture").nth(1).click()
    assert index.locator("#lightbox-title").inner_text().split(": ")[1] in ("plain", "fancy")
    index.keyboard.press("c")
    index.locator("[data-other]").wait_for(state="visible")
    index.keyboard.press("Escape")
    index.locator(".worst-case figcaption a").first.click()
    index.wait_for_url("**/gallery.html#pairs/*")
