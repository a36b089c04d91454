"""camera.json: what it says and what is refused, in one line."""

import json

import pytest

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.import_render.camera import CAMERAS, read_camera

from .conftest import numbers


def read(tmp_path, content):
    path = tmp_path / "camera.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_camera(path)


@pytest.mark.parametrize(
    ("renderer", "strength"),
    [("cycles", 0.0125 * 50.0 / 36.0 * 16.0), ("mitsuba", 2.0), ("luxcore", 2.0), ("povray", 2.0)],
)
def test_strength_of_each_renderer(tmp_path, renderer, strength):
    assert read(tmp_path, numbers(renderer)).blur_strength == pytest.approx(strength)


def test_every_renderer_is_here():
    assert set(CAMERAS) == {"cycles", "mitsuba", "luxcore", "povray"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"camera\.json: expected the camera's numbers"),
        ("[1]", "expected the camera's numbers as an object, got a list"),
        ({"width": 3}, "renderer: expected one of cycles, mitsuba, luxcore, povray: missing entry"),
        (numbers("mitsuba") | {"renderer": "mitsubi"}, "unknown renderer 'mitsubi'.*Did you mean mitsuba"),
        (numbers("mitsuba", fov_x=40.0), "unknown entry fov_x: .*Did you mean fov_x_deg"),
        ({k: v for k, v in numbers("luxcore").items() if k != "lens_radius"}, "missing entry lens_radius"),
        (numbers("mitsuba", focus_distance="2"), "focus_distance: expected a valid number, got '2'"),
        (numbers("mitsuba", width=True), "width: expected a valid integer, got True"),
        (numbers("mitsuba", aperture_radius=0.0), "aperture_radius: expected a number above 0, got 0"),
        (numbers("mitsuba", near_clip=-1.0), "near_clip: expected a number of at least 0, got -1"),
        (numbers("luxcore", fov_deg=180.0), "fov_deg: expected a number between 0 and 180, got 180"),
        (numbers("cycles", sensor_fit="BOTH"), "sensor_fit: expected 'AUTO', 'HORIZONTAL' or 'VERTICAL', got 'BOTH'"),
        (numbers("cycles", depth_through="lens"), "depth_through: depth .* the open lens belongs to no pixel"),
        (numbers("cycles", lens="pinhole.exr"), "lens: expected a file of its own, got pinhole.exr"),
        (numbers("povray", blur_samples=37), "blur_samples, variance: expected at least 100 and 0, got 37 and 0"),
        (numbers("povray", variance=0.01), "got 128 and 0.01"),
        (numbers("cycles", f_stop=1e308, lens_mm=1e-200), "expected a lens that blurs, got 0 px"),
    ],
)
def test_what_is_refused(tmp_path, content, message):
    with pytest.raises(DamagedDataError, match=message) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_a_polygon_is_said(tmp_path):
    assert not read(tmp_path, numbers("cycles")).doubts()
    assert "6 make a polygon" in read(tmp_path, numbers("cycles", aperture_blades=6)).doubts()[0]
