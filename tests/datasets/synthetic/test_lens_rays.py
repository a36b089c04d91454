"""Sixteen rays a step against one at a time: the same bits."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bokehbench.datasets.synthetic import ray_tracer
from bokehbench.datasets.synthetic.layers import Layer, LayeredScene, Plane
from bokehbench.datasets.synthetic.lens_rays import MIN_TRANSMITTANCE, View, lay_out

ONE = np.float32(1)


def steep_scene(height: int, width: int) -> LayeredScene:
    """Two layers, one with holes and soft edges, so tilted that rays of neighbours leave gaps between them."""
    rng = np.random.default_rng(7)
    alpha = rng.random((height - 4, width - 3, 1)) * (rng.random((height - 4, width - 3, 1)) > 0.3)
    alpha[: height // 2] = np.ceil(alpha[: height // 2])
    front = np.concatenate([rng.random((height - 4, width - 3, 3)) * alpha, alpha], axis=2).astype(np.float32)
    margin = 24
    colour = rng.random((height + 2 * margin, width + 2 * margin, 3))
    back = np.concatenate([colour, np.ones((*colour.shape[:2], 1))], axis=2).astype(np.float32)
    layers = [
        Layer(front, 2, 1, Plane(0.01, -0.008, 0.9)),
        Layer(back, -margin, -margin, Plane(-0.006, 0.004, 0.3)),
    ]
    return LayeredScene(layers, height, width, focus_disparity=0.55, blur_strength=20.0)


def one_ray_at_a_time(view: View, height: int, width: int) -> NDArray[np.float32]:
    samples = view.shifts.shape[1]
    planes = view.planes.transpose(0, 1, 3, 2)
    output = np.empty((height, width, 3), np.float32)
    for y, x in np.ndindex(height, width):
        total = np.zeros(3)
        for s in range(samples):
            light = ONE
            for layer, (slope_x, slope_y, offset) in enumerate(view.defocus):
                radius = np.float32(slope_x * x + slope_y * y + offset)
                across = np.float32(x + view.margin) + radius * view.shifts[layer, s, 0]
                down = np.float32(y + view.margin) + radius * view.shifts[layer, s, 1]
                left, top = int(across), int(down)
                u, v = across - np.float32(left), down - np.float32(top)
                w11 = u * v
                w01, w10 = u - w11, v - w11
                (a, b), (c, d) = planes[layer, top : top + 2, left : left + 2]
                seen = (ONE - u - w10) * a + w01 * b + w10 * c + w11 * d
                total += light * seen[:3]
                light *= ONE - seen[3]
                if light < MIN_TRANSMITTANCE:
                    break
        output[y, x] = total / samples
    return output


def test_each_pixel_has_the_bits_of_a_loop_over_its_rays(monkeypatch: pytest.MonkeyPatch) -> None:
    views = []
    trace_rows = ray_tracer.trace_rows

    def watch(top: int, view: View, output: NDArray[np.float32]) -> None:
        views.append(view)
        trace_rows(top, view, output)

    monkeypatch.setattr(ray_tracer, "trace_rows", watch)
    scene = steep_scene(9, 19)
    found = ray_tracer.trace(scene, samples=12)
    np.testing.assert_array_equal(found, one_ray_at_a_time(views[0], scene.height, scene.width))


def test_channels_lie_side_by_side_with_room_behind_them() -> None:
    textures = np.random.default_rng(0).random((2, 3, 5, 4)).astype(np.float32)
    planes = lay_out(textures)
    np.testing.assert_array_equal(planes[1, 2, 3, :5], textures[1, 2, :, 3])
    assert not planes[..., 5:].any()
