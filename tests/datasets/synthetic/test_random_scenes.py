import dataclasses

import numpy as np
import pytest

from bokehbench.core.errors import InvalidOptionError
from bokehbench.datasets.synthetic.random_scenes import RandomScenes, SynthesisSettings


def scenes(settings, **changes):
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    return RandomScenes(SynthesisSettings(**(values | changes)))


def test_planes_face_in_all_directions_and_keep_their_order(settings):
    directions = []
    for index in range(30):
        scene = scenes(settings, planes=(2, 3)).draw(index)
        corners = np.array([[0, 31, 0, 31], [0, 0, 31, 31]])
        values = np.array([layer.plane.disparity(*corners) for layer in scene.layers])
        assert (np.diff(values, axis=0) <= 0).all()
        directions += [np.arctan2(x.plane.slope_y, x.plane.slope_x) for x in scene.layers]
    assert np.histogram(directions, bins=4, range=(-np.pi, np.pi))[0].min() > len(directions) / 10


def test_facing_angle_is_bounded(settings):
    for index in range(10):
        for layer in scenes(settings, max_facing_angle=0.0).draw(index).layers:
            assert layer.plane.slope_x == layer.plane.slope_y == 0.0


def test_focus_may_lie_between_layers(settings):
    sharp = 0
    for index in range(12):
        scene = scenes(settings, focus_between=1.0, planes=(1, 1), max_facing_angle=0.0).draw(index)
        means = [layer.plane.offset for layer in scene.layers]
        sharp += min(abs(scene.focus_disparity - mean) for mean in means) < 1e-3
        assert min(means) - 1e-6 <= scene.focus_disparity <= max(means) + 1e-6
    assert sharp <= 4  # those whose cut-out is outside the picture


def test_painted_cutouts_serve_without_files(settings):
    data = scenes(settings, cutouts=(), painted=2)
    assert len(data.draw(0).layers) >= 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"planes": (0, 2)}, "planes"),
        ({"radius_px": (4.0, 2.0)}, "radius_px"),
        ({"cutouts": ()}, "painted"),
        ({"night": 1.5}, "night"),
        ({"max_facing_angle": 90.0}, "max_facing_angle"),
        ({"size_px": 10**6}, "size_px: expected 16 to 4096"),
        ({"radius_px": (0.0, float("nan"))}, "radius_px: expected 0 to 256"),
        ({"lens_samples": 0}, "lens_samples: expected 1 to 65536"),
        ({"photographs": ("a\0b",)}, "photographs: expected a path"),
    ],
)
def test_impossible_settings(settings, change, message):
    with pytest.raises(InvalidOptionError, match=message):
        scenes(settings, **change)


def test_settings_are_plain_data(settings):
    assert dataclasses.asdict(scenes(settings).settings)["size_px"] == 32
