"""Things as meshes, for programs that have no spheres and cylinders of their own.

Convention: points are in the camera's coordinates, right, down and forward; texture coordinates (u, v) lie in [0,1],
u to the right, v upwards, and a bitmap's first row is at v = 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .objects import HALF_WIDTH, Ball, Card, Lamp, Panel, Rod, Thing

AROUND = 256
"""Faces around a sphere or a cylinder: the chords stay within 0.0001 of its radius."""

AROUND_LAMP = 64
"""A lamp is a few px wide, and each of its faces is a light of its own to Cycles; its disc loses 0.2 % of its area."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mesh:
    """``points`` (n,3), ``faces`` (m,4) indices of points, ``uv`` (n,2); ``is_round``: normals vary over a face."""

    points: Floats
    faces: NDArray[np.int32]
    uv: Floats
    is_round: bool


def make_mesh(thing: Thing) -> Mesh:
    """Return the surface of a thing."""
    if isinstance(thing, Rod):
        return _cylinder(thing)
    if isinstance(thing, Ball | Lamp):
        around = AROUND_LAMP if isinstance(thing, Lamp) else AROUND
        return _sphere(locate(thing.at), thing.radius * HALF_WIDTH * thing.at[2], around)
    return _rectangle(thing)


def locate(at: tuple[float, float, float]) -> Floats:
    """Return the point (right, down, forward) of a place in the frame."""
    scale = HALF_WIDTH * at[2]
    return np.array([at[0] * scale, at[1] * scale, at[2]])


def rectangle_axes(
    at: tuple[float, float, float], size: tuple[float, float], tilt: tuple[float, float, float]
) -> tuple[Floats, Floats, Floats]:
    """Return a rectangle's centre, and its half axes to the right and down before it is tilted."""
    scale = HALF_WIDTH * at[2]
    turn = _rotation(0, tilt[0]) @ _rotation(1, tilt[1]) @ _rotation(2, tilt[2])
    return locate(at), turn[:, 0] * size[0] * scale, turn[:, 1] * size[1] * scale


def _rectangle(thing: Card | Panel) -> Mesh:
    centre, right, down = rectangle_axes(thing.at, thing.size, thing.tilt)
    points = np.stack([centre - right + down, centre + right + down, centre + right - down, centre - right - down])
    uv = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    return Mesh(points, np.arange(4, dtype=np.int32)[None], uv, is_round=False)


def _sphere(centre: Floats, radius: float, faces: int) -> Mesh:
    """Return a sphere; v runs up from its lowest point, u from its left end by way of the far side, as in Mitsuba."""
    u, v = np.meshgrid(np.linspace(0.0, 1.0, faces + 1), np.linspace(0.0, 1.0, faces // 2 + 1))
    around, along = 2.0 * np.pi * u, np.pi * v
    out = np.stack([-np.sin(along) * np.cos(around), np.cos(along), np.sin(along) * np.sin(around)], axis=2)
    return _grid(centre + radius * out, np.stack([u, v], axis=2))


def _cylinder(rod: Rod) -> Mesh:
    """Return a cylinder that is open at both ends."""
    start, end = locate(rod.start), locate(rod.end)
    axis = (end - start) / np.linalg.norm(end - start)
    first = np.cross(axis, np.eye(3)[int(np.abs(axis).argmin())])
    first /= np.linalg.norm(first)
    u, v = np.meshgrid(np.linspace(0.0, 1.0, AROUND + 1), [0.0, 1.0])
    around = (2.0 * np.pi * u)[..., None]
    out = rod.radius * HALF_WIDTH * rod.start[2] * (np.cos(around) * first + np.sin(around) * np.cross(axis, first))
    return _grid(start + v[..., None] * (end - start) + out, np.stack([u, v], axis=2))


def _grid(points: Floats, uv: Floats) -> Mesh:
    """Return the mesh of a grid of points (rows,columns,3)."""
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    faces = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=2)
    return Mesh(points.reshape(-1, 3), faces.reshape(-1, 4), uv.reshape(-1, 2), is_round=True)


def _rotation(axis: int, degrees: float) -> Floats:
    """Return the rotation about a camera axis (0 right, 1 down, 2 forward) by degrees in Mitsuba's axes.

    Those are left, up, forward: the first two axes point the other way, so rotations about them turn the other way.
    """
    angle = np.radians(degrees if axis == 2 else -degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    first, second = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cos
    matrix[first, second], matrix[second, first] = -sin, sin
    return matrix
