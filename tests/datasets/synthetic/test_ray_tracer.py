import math

import numba
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.signal import fftconvolve

from bokehbench.core.errors import InvalidSceneError
from bokehbench.datasets.synthetic.layers import Layer, LayeredScene, Plane, pinhole
from bokehbench.datasets.synthetic.ray_tracer import trace, vogel_disc


def opaque(colour: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.concatenate([colour, np.ones((*colour.shape[:2], 1))], axis=2).astype(np.float32)


def background(colour: NDArray[np.floating], margin: int, plane: Plane) -> Layer:
    return Layer(opaque(colour), -margin, -margin, plane)


def flat(disparity: float) -> Plane:
    return Plane(0.0, 0.0, disparity)


def clouds(height: int, width: int, seed: int, grain: float = 1.0) -> NDArray[np.float64]:
    noise = gaussian_filter(np.random.default_rng(seed).random((height, width, 3)), (grain, grain, 0.0))
    return (noise - noise.min()) / (noise.max() - noise.min())


def psnr(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    error = np.clip(first, 0, 1) ** (1 / 2.2) - np.clip(second, 0, 1) ** (1 / 2.2)
    return -10.0 * math.log10(float(np.mean(error.astype(np.float64) ** 2)))


def layered_scene(size: int, radius: float, focus: int) -> LayeredScene:
    """A tilted, perforated foreground with soft edges over a tilted background, 0.6 apart in disparity."""
    margin = int(1.4 * radius) + 8
    y, x = np.mgrid[:size, :size]
    alpha = np.clip(0.35 * size - np.hypot(x - size / 2, y - size / 2), 0.0, 1.0)
    alpha = alpha * (gaussian_filter(np.random.default_rng(4).random((size, size)), 2.0) > 0.49)
    rgba = np.concatenate([clouds(size, size, 1) * alpha[..., None], alpha[..., None]], axis=2).astype(np.float32)
    front = Plane.through(size / 2, size / 2, 0.8, 0.1 / size, -0.08 / size)
    back = Plane.through(size / 2, size / 2, 0.2, -0.05 / size, 0.04 / size)
    layers = [Layer(rgba, 0, 0, front), background(clouds(size + 2 * margin, size + 2 * margin, 2), margin, back)]
    return LayeredScene(layers, size, size, (0.8, 0.2)[focus], radius / 0.65)


def literal_trace(scene: LayeredScene, samples: int) -> NDArray[np.float64]:
    """The definition, ray by ray and layer by layer."""
    output = np.zeros((scene.height, scene.width, 3))
    for y in range(scene.height):
        for x in range(scene.width):
            for ux, uy in vogel_disc(samples):
                transmittance = 1.0
                for layer in scene.layers:
                    plane, strength, focus = layer.plane, scene.blur_strength, scene.focus_disparity
                    # d = a (x + ux K (d - f)) + b (y + uy K (d - f)) + c, solved for d
                    along = strength * (plane.slope_x * ux + plane.slope_y * uy)
                    pixel = plane.slope_x * x + plane.slope_y * y + plane.offset
                    disparity = (pixel - along * focus) / (1.0 - along)
                    column = x + ux * strength * (disparity - focus) - layer.left
                    row = y + uy * strength * (disparity - focus) - layer.top
                    padded = np.pad(layer.rgba.astype(np.float64), ((1, 1), (1, 1), (0, 0)))
                    where = [[row + 1.0], [column + 1.0]]
                    texel = np.array([map_coordinates(padded[..., k], where, order=1)[0] for k in range(4)])
                    output[y, x] += transmittance * texel[:3]
                    transmittance *= 1.0 - texel[3]
    return output / samples


def test_agrees_with_the_literal_definition() -> None:
    rng = np.random.default_rng(0)
    margin, size = 8, 9

    def translucent(height: int, width: int) -> NDArray[np.float32]:
        alpha = 0.85 * rng.random((height, width, 1)) * (rng.random((height, width, 1)) > 0.3)
        return np.concatenate([rng.random((height, width, 3)) * alpha, alpha], axis=2).astype(np.float32)

    layers = [
        Layer(translucent(6, 20), -3, -6, Plane(0.01, -0.02, 0.95)),
        Layer(translucent(7, 7), 1, 4, Plane(-0.015, 0.01, 0.6)),
        background(rng.random((size + 2 * margin, size + 2 * margin, 3)), margin, Plane(0.005, 0.004, 0.1)),
    ]
    scene = LayeredScene(layers, size, size, focus_disparity=0.5, blur_strength=11.0)
    np.testing.assert_allclose(trace(scene, samples=24, prefilter=0.0), literal_trace(scene, 24), atol=1e-5)


def test_zero_strength_is_the_pinhole_picture() -> None:
    scene = layered_scene(48, 0.0, focus=0)
    picture, _, _ = pinhole(scene.layers, 48, 48)
    np.testing.assert_allclose(trace(scene), picture, atol=2e-6)


def test_a_plane_in_focus_stays_sharp() -> None:
    plane = flat(0.4)
    colour = clouds(60, 60, 3)
    scene = LayeredScene([background(colour, 6, plane)], 48, 48, focus_disparity=0.4, blur_strength=50.0)
    np.testing.assert_allclose(trace(scene), colour[6:54, 6:54], atol=2e-6)


@pytest.mark.parametrize("disparity", [0.1, 0.9])
def test_a_point_becomes_a_disc_of_its_radius_and_energy(disparity: float) -> None:
    margin, size, strength = 20, 41, 30.0
    colour = np.zeros((size + 2 * margin, size + 2 * margin, 3))
    colour[margin + 20, margin + 20] = 1.0
    scene = LayeredScene([background(colour, margin, flat(disparity))], size, size, 0.5, strength)
    image = trace(scene, samples=20000, prefilter=0.0)[..., 1].astype(np.float64)
    y, x = np.mgrid[:size, :size] - 20.0
    radius = strength * abs(disparity - 0.5)
    assert image.sum() == pytest.approx(1.0, abs=0.01)
    assert image[np.hypot(x, y) > radius + 1.5].max() == 0.0
    np.testing.assert_allclose(image[np.hypot(x, y) < radius - 1.5], 1.0 / (math.pi * radius**2), rtol=0.15)
    # The disc's mean square distance from its centre is r^2 / 2; the bilinear texel adds 1/3.
    spread = (image * (x**2 + y**2)).sum() / image.sum()
    assert math.sqrt(2.0 * (spread - 1.0 / 3.0)) == pytest.approx(radius, rel=0.01)


def test_constant_defocus_is_a_convolution_with_a_disc() -> None:
    radius, margin, size = 7.3, 12, 64
    colour = clouds(size + 2 * margin, size + 2 * margin, 5)
    scene = LayeredScene([background(colour, margin, flat(0.9))], size, size, 0.4, radius / 0.5)
    fine = np.linspace(-1.0, 1.0, 401) * radius
    dx, dy = (v[np.hypot(*np.meshgrid(fine, fine)) <= radius] for v in np.meshgrid(fine, fine))
    disc = np.zeros((2 * margin + 1, 2 * margin + 1))
    for corner_y in (0, 1):  # each point spread bilinearly
        for corner_x in (0, 1):
            column, row = np.floor(dx).astype(int) + corner_x, np.floor(dy).astype(int) + corner_y
            weight = (1.0 - np.abs(dx - column)) * (1.0 - np.abs(dy - row))
            np.add.at(disc, (row + margin, column + margin), weight)
    disc /= disc.sum()
    expected = np.stack([fftconvolve(colour[..., k], disc, mode="valid") for k in range(3)], axis=2)
    assert psnr(trace(scene), expected) > 70.0


def test_an_opaque_edge_in_focus_hides_the_blurred_background_sharply() -> None:
    size, margin = 40, 16
    rgba = np.zeros((size, 20, 4), np.float32)
    rgba[...] = (0.8, 0.1, 0.2, 1.0)
    behind = background(clouds(size + 2 * margin, size + 2 * margin, 6), margin, flat(0.1))
    edge = LayeredScene([Layer(rgba, 0, 0, flat(0.7)), behind], size, size, 0.7, 20.0)
    alone = LayeredScene([behind], size, size, 0.7, 20.0)
    image = trace(edge)
    np.testing.assert_allclose(image[:, :20], rgba[:, :, :3], atol=1e-6)
    np.testing.assert_allclose(image[:, 20:], trace(alone)[:, 20:], atol=1e-6)


def test_a_defocused_edge_turns_transparent_as_a_disc_is_covered() -> None:
    size, margin, radius = 64, 4, 12.0
    rgba = np.ones((size + 40, 52, 4), np.float32)  # covers columns -20..31: its edge is at 31.5
    black = background(np.zeros((size + 2 * margin, size + 2 * margin, 3)), margin, flat(0.2))
    scene = LayeredScene([Layer(rgba, -20, -20, flat(0.8)), black], size, size, 0.2, radius / 0.6)
    row = trace(scene)[size // 2, :, 0]
    inside = np.clip((31.5 - np.arange(size)) / radius, -1.0, 1.0)
    covered = 0.5 + (inside * np.sqrt(1.0 - inside**2) + np.arcsin(inside)) / math.pi
    np.testing.assert_allclose(row, covered, atol=0.01)


def test_radius_varies_linearly_over_a_tilted_plane() -> None:
    margin, height, width, strength = 32, 49, 120, 40.0
    plane = Plane(0.6 / width, 0.0, 0.4)
    for column in (20, 60, 100):
        colour = np.zeros((height + 2 * margin, width + 2 * margin, 3))
        colour[margin + 24, margin + column] = 1.0
        scene = LayeredScene([background(colour, margin, plane)], height, width, 0.4, strength)
        image = trace(scene, samples=8000, prefilter=0.0)[..., 0].astype(np.float64)
        y = np.arange(height)[:, None] - 24.0
        spread = (image * y**2).sum() / image.sum()
        expected = strength * 0.6 / width * column
        assert math.sqrt(4.0 * (spread - 1.0 / 6.0)) == pytest.approx(expected, rel=0.02)


def test_a_constant_stays_constant_to_the_border() -> None:
    margin, size = 24, 48
    colour = np.full((size + 2 * margin, size + 2 * margin, 3), 0.37)
    scene = LayeredScene([background(colour, margin, Plane(0.001, 0.0, 0.1))], size, size, 0.8, 25.0)
    np.testing.assert_allclose(trace(scene), 0.37, atol=1e-5)


@pytest.mark.parametrize(("radius", "focus"), [(4.0, 0), (12.0, 1), (32.0, 0), (48.0, 1)])
def test_chosen_samples_reach_70_db(radius: float, focus: int) -> None:
    scene = layered_scene(56, radius, focus)
    assert psnr(trace(scene), trace(scene, samples=20000, prefilter=0.0)) >= 70.0


def test_equal_to_the_bit_for_any_number_of_threads() -> None:
    scene = layered_scene(48, 9.0, focus=0)
    before = numba.get_num_threads()
    try:
        pictures = []
        for threads in range(1, min(before, 4) + 1):
            numba.set_num_threads(threads)
            pictures.append(trace(scene, samples=64))
    finally:
        numba.set_num_threads(before)
    if len(pictures) == 1:
        pytest.skip("one processor: no second number of threads to compare")
    assert all(np.array_equal(pictures[0], other) for other in pictures[1:])


def test_a_background_that_ends_too_early_is_refused() -> None:
    scene = LayeredScene([background(np.zeros((44, 44, 3)), 6, flat(0.1))], 32, 32, 0.8, 25.0)
    with pytest.raises(InvalidSceneError, match="make it reach 19 px beyond"):
        trace(scene)


def test_vogel_points_fill_the_unit_disc_evenly() -> None:
    points = vogel_disc(2000)
    radius = np.hypot(*points.T)
    assert radius.max() < 1.0
    np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=2e-3)
    assert (radius < 0.5).mean() == pytest.approx(0.25, abs=1e-3)
