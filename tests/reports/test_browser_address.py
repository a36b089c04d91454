"""In a real browser: what the gallery shows lives in the address, and its lightbox zooms, moves and blinks."""

import pytest

pytestmark = pytest.mark.browser

SHOWN = "() => [...document.querySelectorAll('.scene')].filter(s => !s.hidden).map(s => s.dataset.scene)"
PICTURE = "picture => [picture.offsetWidth, picture.style.imageRendering]"


@pytest.fixture
def page(watch, typical_report):
    """The gallery of the typical run."""
    return watch(typical_report / "gallery.html")


def again(page):
    """Open the page's address in another tab of the same context, as one who was sent it would."""
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_load_state()


def open_first(page):
    page.locator("a.picture[data-label=plain]").first.click()
    page.wait_for_function("document.querySelector('[data-picture]').naturalWidth === 64")
    return page.locator("[data-picture]")


def test_filter_hidden_renderers_crop_and_picture_are_shown_again(page):
    page.get_by_label("Find a scene").fill("scene 1")
    page.get_by_label("plain", exact=True).uncheck()
    zoom = page.locator(".scene:visible [data-zoom]")
    zoom.scroll_into_view_if_needed()
    zoom.locator("[data-scales] button", has_text="8").click()
    zoom.locator("[data-locator]").click()
    crop = "zoom => ['--x', '--y', '--zoom'].map(name => Number(zoom.style.getPropertyValue(name)).toFixed(3))"
    page.mouse.move(0, 0)
    kept = zoom.evaluate(crop)
    page.locator(".scene:visible a.picture[data-label=fancy]").click()
    page.keyboard.press("c")
    again(page)
    assert page.locator("#lightbox-title").inner_text() == "scene 1: fancy"
    assert page.locator("[data-compare]").input_value() == "target"
    page.keyboard.press("Escape")
    assert page.evaluate(SHOWN) == ["scene 1"]
    assert not page.get_by_label("plain", exact=True).is_checked()
    assert page.locator(".scene:visible [data-zoom]").evaluate(crop) == kept
    assert "open=" not in page.url


def test_a_scene_is_reached_by_its_name_and_keeps_the_filter(page):
    page.get_by_label("Find a scene").fill("scene")
    link = page.locator(".scene h3 a").nth(2)
    link.click()
    address = link.get_attribute("href") + "?find=scene"
    page.wait_for_url(lambda url: url.endswith(address), timeout=5000)  # the page writes it a moment after the click
    again(page)
    assert page.locator(".scene").nth(2).evaluate("scene => Math.abs(scene.getBoundingClientRect().top) < 120")


@pytest.mark.parametrize("damage", ["#%E0%A4%A?crop=a,b", "#nowhere?open=plain&hide=none&crop=1,1,3", "#?find=%"])
def test_a_damaged_address_shows_the_page(page, damage):
    page.goto(page.url.partition("#")[0] + damage)
    again(page)
    assert page.locator(".scene").count() == 6
    assert not page.locator("dialog").evaluate("box => box.open")


def test_wheel_zooms_to_pixels_and_a_drag_moves(page):
    picture = open_first(page)
    fitted, rendering = picture.evaluate(PICTURE)
    assert (fitted > 200, rendering) == (True, "pixelated")
    page.keyboard.press("1")
    assert picture.evaluate(PICTURE) == [64, "auto"]
    assert page.locator("[data-scale]").last.inner_text() == "100 %"
    box = page.locator("[data-sheet]").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    for _ in range(4):
        page.mouse.wheel(0, -100)
    page.wait_for_function("document.querySelector('[data-picture]').offsetWidth > 128")
    assert picture.evaluate(PICTURE)[1] == "pixelated"
    for _ in range(20):
        page.mouse.wheel(0, -100)
    page.wait_for_function("document.querySelector('[data-picture]').offsetWidth === 64 * 32")
    left = picture.evaluate("picture => picture.offsetLeft")
    page.mouse.down()
    page.mouse.move(middle[0] + 40, middle[1], steps=2)
    page.mouse.up()
    assert abs(picture.evaluate("picture => picture.offsetLeft") - left - 40) <= 1
    page.keyboard.press("0")
    assert picture.evaluate(PICTURE)[0] == fitted


def test_blinking_shows_one_picture_after_the_other(page):
    open_first(page)
    page.keyboard.press("b")
    over = page.locator("[data-over]")
    assert page.locator("[data-blink]").get_attribute("aria-pressed") == "true"
    over.wait_for(state="visible")
    over.wait_for(state="hidden")
    page.keyboard.press("b")
    over.wait_for(state="visible")
    assert page.locator("[data-blink]").get_attribute("aria-pressed") == "false"
    page.keyboard.press("Escape")
