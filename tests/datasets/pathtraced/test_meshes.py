"""Meshes of the things that Mitsuba has shapes for."""

import numpy as np
import pytest

from bokehbench.datasets.pathtraced.layered_planes import PANELS
from bokehbench.datasets.pathtraced.meshes import locate, make_mesh
from bokehbench.datasets.pathtraced.objects import HALF_WIDTH, Ball, Card, Lamp, Rod

GREY = np.full((2, 2, 3), 128, np.uint8)


def test_a_rectangle_fills_the_frame_at_its_depth():
    mesh = make_mesh(Card(GREY, (0.0, 0.0, 4.0), (1.0, 0.75)))
    projected = mesh.points[:, :2] / mesh.points[:, 2:] / HALF_WIDTH
    np.testing.assert_allclose(projected, [[-1, 0.75], [1, 0.75], [1, -0.75], [-1, -0.75]], atol=1e-12)
    np.testing.assert_allclose(mesh.uv, [[0, 0], [1, 0], [1, 1], [0, 1]])  # v upwards, y downwards


@pytest.mark.parametrize("painted", PANELS, ids=lambda painted: str(painted.seed))
def test_a_tilted_rectangle_spans_the_axes_of_the_ray_tracer_s_panel(painted):
    centre, right, down = painted.axes()
    points = make_mesh(Card(GREY, painted.at, painted.size, painted.tilt)).points
    np.testing.assert_allclose(points.mean(axis=0), centre)
    np.testing.assert_allclose(points[1] - points[0], 2.0 * right)
    np.testing.assert_allclose(points[0] - points[3], 2.0 * down)


@pytest.mark.parametrize("thing", [Ball(GREY, (0.4, -0.3, 3.0), 0.5), Lamp((5.0, 5.0, 5.0), (0.4, -0.3, 3.0), 0.5)])
def test_a_sphere_has_its_radius_everywhere(thing):
    mesh = make_mesh(thing)
    distance = np.linalg.norm(mesh.points - locate(thing.at), axis=1)
    np.testing.assert_allclose(distance, 0.5 * HALF_WIDTH * 3.0)
    middles = np.linalg.norm(mesh.points[mesh.faces].mean(axis=1) - locate(thing.at), axis=1)
    assert middles.min() > distance[0] * (0.9998 if isinstance(thing, Ball) else 0.997)
    assert mesh.points[np.argmax(mesh.uv[:, 1]), 1] < mesh.points[np.argmin(mesh.uv[:, 1]), 1]


def test_a_rod_keeps_its_radius_around_its_axis():
    rod = Rod((0.5, 0.5, 0.5), (-0.2, -1.0, 2.4), (0.1, 1.0, 3.0), 0.02)
    start, end = locate(rod.start), locate(rod.end)
    axis = (end - start) / np.linalg.norm(end - start)
    offsets = make_mesh(rod).points - start
    across = offsets - (offsets @ axis)[:, None] * axis
    np.testing.assert_allclose(np.linalg.norm(across, axis=1), 0.02 * HALF_WIDTH * 2.4)
    assert sorted({round(float(along), 9) for along in offsets @ axis}) == [0.0, round(np.linalg.norm(end - start), 9)]
