"""Tilted panels that Mitsuba and our ray tracer both render: the check of one by the other.

``python -m bokehbench.datasets.pathtraced.layered_planes --output DIR`` writes Mitsuba's pictures as DIR/<name>.exr;
the tests hold the ray tracer against committed ones.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.commands import ends_in_one_line
from ...core.option_parser import OneLineParser
from ..files.exr import write_exr
from ..synthetic.layers import Layer, LayeredScene, Plane
from .meshes import rectangle_axes
from .objects import HALF_WIDTH, Panel, Thing, TracedScene
from .tracing import Tracer

HEIGHT, WIDTH = 96, 128
FOCAL_PX = WIDTH / 2 / HALF_WIDTH
SAMPLES = 2048
TEXTURE_PX = 1024
SUBPIXELS = 4
LARGEST_RADIUS_PX = 10.0

Paint = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class PaintedPanel:
    """A panel whose colour is a formula of (u, v) in [-1,1], right and down, so that both renderers can sample it."""

    seed: int
    at: tuple[float, float, float]
    size: tuple[float, float]
    tilt: tuple[float, float, float]

    def paint(self, u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return radiance (...,3) in [0.05, 0.95]: waves in several directions."""
        rng = np.random.default_rng([11, self.seed])
        colour = np.zeros((*u.shape, 3))
        for channel in range(3):
            for _ in range(4):
                across, down = rng.uniform(-12.0, 12.0, 2) * np.array(self.size)
                colour[..., channel] += np.sin(across * u + down * v + rng.uniform(0.0, 6.3)) / 4.0
        return 0.5 + 0.45 * colour

    def panel(self) -> Panel:
        """Return it for Mitsuba, as a bitmap."""
        ticks = (np.arange(TEXTURE_PX) + 0.5) / TEXTURE_PX * 2.0 - 1.0
        u, v = np.meshgrid(ticks, ticks)
        return Panel(self.paint(u, v).astype(np.float32), self.at, self.size, self.tilt)

    def axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return centre and half axes along u and v in the camera's coordinates: right, down, forward."""
        return rectangle_axes(self.at, self.size, self.tilt)

    def layer(self, margin: int) -> Layer:
        """Return it for the ray tracer: each texel the mean over its pixel's area, ``margin`` px around the frame."""
        centre, along_u, along_v = self.axes()
        normal = np.cross(along_u, along_v)
        ticks = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS
        x = (np.arange(-margin, WIDTH + margin)[:, None] + ticks).ravel() - WIDTH / 2
        y = (np.arange(-margin, HEIGHT + margin)[:, None] + ticks).ravel() - HEIGHT / 2
        rays = np.stack([*np.meshgrid(x / FOCAL_PX, y / FOCAL_PX), np.ones((len(y), len(x)))], axis=2)
        points = rays * (normal @ centre / (rays @ normal))[..., None] - centre
        u, v = points @ along_u / (along_u @ along_u), points @ along_v / (along_v @ along_v)
        inside = (np.abs(u) <= 1.0) & (np.abs(v) <= 1.0)
        rgba = np.concatenate([self.paint(u, v), np.ones((*u.shape, 1))], axis=2) * inside[..., None]
        rows, columns = HEIGHT + 2 * margin, WIDTH + 2 * margin
        texels = rgba.reshape(rows, SUBPIXELS, columns, SUBPIXELS, 4).mean(axis=(1, 3)).astype(np.float32)
        slope_x, slope_y, offset = normal / (normal @ centre) / np.array([FOCAL_PX, FOCAL_PX, 1.0])
        # 1/z is linear in the picture; a pixel's centre lies half a pixel from its edge.
        plane = Plane.through((WIDTH - 1) / 2, (HEIGHT - 1) / 2, offset, slope_x, slope_y)
        return Layer(texels, -margin, -margin, plane)


PANELS = (
    PaintedPanel(1, (-0.35, 0.2, 2.2), (0.4, 0.5), (12.0, -18.0, 25.0)),
    PaintedPanel(2, (0.35, -0.15, 3.2), (0.3, 0.9), (-10.0, 15.0, -12.0)),
    PaintedPanel(3, (0.0, 0.0, 7.0), (2.2, 2.0), (14.0, 10.0, 0.0)),
)
"""Front to back."""

FOCUS_DEPTHS = {"front": 2.2, "middle": 3.2, "back": 7.0}
BLUR_PARAMETER = LARGEST_RADIUS_PX / (1.0 / 2.2 - 1.0 / 7.0)
"""Radius of the circle of confusion in px per unit of 1/depth."""

LAMP_AT, LAMP_FOCUS_DEPTH = (0.25, -0.25, 6.0), 2.2
LAMP_SIDE_PX, LAMP_RADIANCE = 1.0, 300.0


def layered_scene(focus_depth: float, panels: Sequence[PaintedPanel] = PANELS) -> LayeredScene:
    """Return the panels for the ray tracer."""
    margin = int(2.0 * LARGEST_RADIUS_PX) + 4
    layers = [painted.layer(margin) for painted in panels]
    return LayeredScene(layers, HEIGHT, WIDTH, 1.0 / focus_depth, BLUR_PARAMETER)


def trace_reference(things: Sequence[Thing], focus_depth: float, samples: int = SAMPLES) -> NDArray[np.float32]:
    """Render with Mitsuba: (H,W,3) float32, linear. Raises MissingDataError where it is not installed."""
    scene = TracedScene("planes", 1, (focus_depth, focus_depth), list(things))
    return Tracer(scene, WIDTH, HEIGHT, samples).picture(BLUR_PARAMETER, focus_depth)


def lamp() -> list[Thing]:
    """Return a small square light before black."""
    side = LAMP_SIDE_PX / WIDTH
    black = Panel(np.zeros((2, 2, 3), np.float32), (0.0, 0.0, 9.0), (3.0, 3.0))
    return [Panel(np.full((2, 2, 3), LAMP_RADIANCE, np.float32), LAMP_AT, (side, side)), black]


@ends_in_one_line("error", elsewhere="--output", goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Render the pictures; return the exit code: 0, or 2 with one line where the command cannot run."""
    parser = OneLineParser(prog="python -m bokehbench.datasets.pathtraced.layered_planes", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    output: Path = parser.parse_args(arguments).output
    output.mkdir(parents=True, exist_ok=True)
    panels = [painted.panel() for painted in PANELS]
    for name, focus_depth in FOCUS_DEPTHS.items():
        write_exr(output / f"{name}.exr", trace_reference(panels, focus_depth))
    write_exr(output / "lamp.exr", trace_reference(lamp(), LAMP_FOCUS_DEPTH))
    return 0


if __name__ == "__main__":
    sys.exit(main())
