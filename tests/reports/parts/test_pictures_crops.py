"""In a real browser: crops of pictures that are smaller than a crop."""

import pytest

pytestmark = pytest.mark.browser

FILLED = """crops => crops.every(crop => {
  const image = crop.querySelector("img");
  return image.offsetLeft <= 0 && image.offsetLeft + image.offsetWidth >= crop.clientWidth - 1
    && image.offsetTop <= 0 && image.offsetTop + image.offsetHeight >= crop.clientHeight - 1;
})"""
WIDTH_PX, HEIGHT_PX = 64, 48


def test_crops_of_the_first_screen_have_no_strip_beside_a_low_picture(watch, typical_report):
    crops = watch(typical_report / "index.html").locator(".closest .crop")
    assert crops.evaluate_all("crops => crops.map(crop => crop.clientHeight)") == [2 * HEIGHT_PX] * crops.count()
    assert crops.evaluate_all(FILLED)
    widths = crops.evaluate_all("crops => crops.map(crop => [crop.clientWidth, crop.parentElement.clientWidth])")
    assert all(width == min(room, 2 * WIDTH_PX) for width, room in widths), "as wide as there is room and picture"


@pytest.mark.parametrize("scale", ["2", "4"])
def test_neither_have_close_ups_and_the_frame_stays_whole(watch, typical_report, scale):
    zoom = watch(typical_report / "gallery.html").locator("[data-zoom]").first
    zoom.scroll_into_view_if_needed()
    zoom.locator("[data-scales] button", has_text=scale).click()
    zoom.locator("[data-locator]").click(position={"x": 1, "y": 1})
    assert zoom.locator(".crop").evaluate_all(FILLED)
    frame, whole = zoom.locator(".frame").bounding_box(), zoom.locator("[data-locator]").bounding_box()
    for start, size in (("x", "width"), ("y", "height")):
        assert frame[start] >= whole[start] - 0.5
        assert frame[start] + frame[size] <= whole[start] + whole[size] + 0.5
