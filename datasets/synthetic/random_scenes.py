"""Scenes drawn at random for training: cut-outs on randomly facing planes over a photograph, before a lens.

API: ``RandomScenes(settings).draw(index)`` is the same scene in every process and on every machine of one kind: all
that is random about it comes from ``(settings.seed, index)``. ``training_scenes`` traces it.

Source: BokehDiff, Sec. 3.3. A plane that faces any direction has a disparity linear in the picture's coordinates.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ...core.checks import LARGEST_SEED, Within, check, check_fields, check_path
from .layers import MAX_SLOPE, Layer, LayeredScene, Plane, pinhole
from .recipes import add_light
from .training_pictures import CutoutSource, PhotographSource

MIN_DISPARITY = 0.02
FOCAL_LENGTH_IN_WIDTHS = 1.2
"""Of the pinhole camera that turns a plane's facing angle into a slope of its disparity."""

NIGHT_EXPOSURE = 0.1
"""Of a night's background; the benchmark's are darker (0.07, see ``recipes``). Nothing demands that the two differ, but
the shipped weights were trained on these.
"""

TILT_ATTEMPTS = 12
SHRUNK_TILT = 0.6


@dataclass(frozen=True, kw_only=True)
class SynthesisSettings:
    """What scenes are drawn from. Lengths are in px of the picture.

    - ``photographs``: folders of pictures for backgrounds, or ``packaged``: those that are installed. ``cutouts``:
      folders of RGBA PNGs; ``painted``: how many further cut-outs this program paints itself. At least one cut-out of
      either kind.
    - ``size_px``: side of the square picture. ``planes``: fewest and most cut-outs in a scene.
    - ``radius_px``: range of the largest radius of the circle of confusion in a scene; ``radius_exponent``: 1 draws it
      uniformly, more favours small radii.
    - ``focus_between``: share of scenes whose focal plane lies anywhere between the nearest and the farthest point, so
      that no layer is sharp (the paper focuses on one layer: 0).
    - ``max_facing_angle``: of planes against the image plane, degrees.
    - ``night``: share of scenes with a dark background in which small lights hang.
    - ``lens_samples``: rays per pixel where the scene's largest radius is 32 px or more; in proportion to the radius
      below, a quarter at least.

    Raises InvalidOptionError on impossible values.
    """

    photographs: tuple[str, ...]
    cutouts: tuple[str, ...] = ()
    painted: Annotated[int, Within(0, 10**6)] = 0
    size_px: Annotated[int, Within(16, 4096)] = 256
    planes: Annotated[tuple[int, int], Within(1, 8)] = (1, 2)
    radius_px: Annotated[tuple[float, float], Within(0.0, 256.0)] = (0.0, 32.0)
    radius_exponent: Annotated[float, Within(1e-3, 1e3)] = 1.0
    focus_between: Annotated[float, Within(0.0, 1.0)] = 0.0
    max_facing_angle: Annotated[float, Within(0.0, 85.0)] = 60.0
    night: Annotated[float, Within(0.0, 1.0)] = 0.0
    lens_samples: Annotated[int, Within(1, 2**16)] = 256
    seed: Annotated[int, Within(0, LARGEST_SEED)] = 0

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("photographs", "cutouts"):
            for folder in getattr(self, name):
                check_path(name, folder)
        check("photographs", self.photographs, len(self.photographs) > 0, "at least one folder")
        check("cutouts", self.cutouts, len(self.cutouts) > 0 or self.painted > 0, "a folder, or painted above 0")
        for name in ("planes", "radius_px"):
            low, high = getattr(self, name)
            check(name, (low, high), low <= high, "the smaller number first")


class RandomScenes:
    """An endless map from index to scene. Raises MissingDataError where a folder of pictures is absent or empty."""

    def __init__(self, settings: SynthesisSettings):
        self.settings = settings
        self._photographs = PhotographSource(settings.photographs)
        self._cutouts = CutoutSource(settings.cutouts, settings.painted, round(1.25 * settings.size_px))

    def draw(self, index: int) -> LayeredScene:
        """Draw the layers and the lens of scene ``index``, >= 0.

        The blur strength makes the largest radius among the layers' visible points equal to the drawn one: what a
        renderer is given is what the target was traced with.
        """
        settings = self.settings
        rng = np.random.Generator(np.random.PCG64([settings.seed, index]))
        low, high = settings.radius_px
        radius_px = low + (high - low) * rng.random() ** settings.radius_exponent
        count = int(rng.integers(settings.planes[0], settings.planes[1] + 1))
        means = _spread_disparities(count + 1, rng)
        margin = math.ceil(radius_px / (1.0 - MAX_SLOPE)) + 4
        exposure = 0.5 + 0.6 * rng.random()
        textures = [self._draw_cutout(rng, exposure) for _ in range(count)]
        background = self._draw_background(margin, rng, exposure)
        between = rng.random() < settings.focus_between
        focus_on, focus_share = int(rng.integers(count + 1)), float(rng.random())
        tilts = [self._draw_tilt(mean, rng) for mean in means]
        for _ in range(TILT_ATTEMPTS):
            layers = [
                Layer(rgba, top, left, self._plane(mean, tilt))
                for (rgba, top, left), mean, tilt in zip([*textures, background], means, tilts, strict=True)
            ]
            focus, strength = self._set_lens(layers, radius_px, focus_share if between else focus_on)
            if _is_proper(layers, settings.size_px, strength):
                return LayeredScene(layers, settings.size_px, settings.size_px, focus, strength)
            tilts = [(SHRUNK_TILT * x, SHRUNK_TILT * y) for x, y in tilts]
        flat = [Layer(x.rgba, x.top, x.left, self._plane(m, (0.0, 0.0))) for x, m in zip(layers, means, strict=True)]
        focus, strength = self._set_lens(flat, radius_px, focus_share if between else focus_on)
        return LayeredScene(flat, settings.size_px, settings.size_px, focus, strength)

    def _set_lens(self, layers: Sequence[Layer], radius_px: float, focus: int | float) -> tuple[float, float]:
        """Return focus disparity and blur strength. ``focus``: a layer's index, or a share of the disparity range."""
        size = self.settings.size_px
        _, disparity, shares = pinhole(layers, size, size)
        nearest, farthest = float(disparity.max()), float(disparity.min())
        if isinstance(focus, float):
            focus_disparity = farthest + focus * (nearest - farthest)
        else:
            share = shares[focus] if shares[focus].sum() > 0.0 else shares[-1]
            focus_disparity = float((share * disparity).sum() / share.sum())
        reach = max(nearest - focus_disparity, focus_disparity - farthest)
        return focus_disparity, radius_px / max(reach, MIN_DISPARITY)

    def _plane(self, mean: float, tilt: tuple[float, float]) -> Plane:
        centre = self.settings.size_px / 2
        return Plane.through(centre, centre, mean, *tilt)

    def _draw_tilt(self, mean: float, rng: np.random.Generator) -> tuple[float, float]:
        """Draw a facing direction uniformly from the cap of the sphere; return the slopes of its disparity.

        A plane n.P = const has the disparity d0 (1 + (n_x x + n_y y) / (n_z f)) with f the focal length in px.
        """
        steepest = math.cos(math.radians(self.settings.max_facing_angle))
        cosine = 1.0 - rng.random() * (1.0 - steepest)
        direction = 2.0 * math.pi * rng.random()
        slope = mean * math.sqrt(1.0 - cosine**2) / cosine / (FOCAL_LENGTH_IN_WIDTHS * self.settings.size_px)
        return slope * math.cos(direction), slope * math.sin(direction)

    def _draw_cutout(self, rng: np.random.Generator, exposure: float) -> tuple[NDArray[np.float32], int, int]:
        """Return a texture and its top left corner: any place that leaves part of it in the picture."""
        size = self.settings.size_px
        rgba = self._cutouts.draw(rng, side_px=round(size * (0.4 + 0.9 * rng.random())))
        height, width = rgba.shape[:2]
        top = round((size - height) / 2 + (rng.random() - 0.5) * 0.9 * size)
        left = round((size - width) / 2 + (rng.random() - 0.5) * 0.9 * size)
        gain = np.float32(min(exposure * (0.8 + 0.4 * rng.random()), 1.0))
        return rgba * np.array([gain, gain, gain, 1.0], np.float32), top, left

    def _draw_background(
        self, margin: int, rng: np.random.Generator, exposure: float
    ) -> tuple[NDArray[np.float32], int, int]:
        night = rng.random() < self.settings.night
        colour = self._photographs.draw(rng, self.settings.size_px, margin)
        colour *= np.float32(NIGHT_EXPOSURE if night else min(exposure * (0.8 + 0.4 * rng.random()), 1.0))
        for _ in range(int(rng.integers(8, 40)) if night else 0):
            add_light(colour, rng)
        return np.concatenate([colour, np.ones_like(colour[..., :1])], axis=2), -margin, -margin


def _spread_disparities(count: int, rng: np.random.Generator) -> list[float]:
    """Return ``count`` disparities in (0.05,0.95), nearest first, no two closer than a fifth of their fair distance."""
    fair = 0.9 / count
    steps = 0.2 + 0.8 * rng.random(count)
    ends = 0.95 - fair * np.arange(count)
    return [float(x) for x in ends - fair * (1.0 - steps)]


def _is_proper(layers: Sequence[Layer], size: int, strength: float) -> bool:
    """Whether planes keep their order and their distance to infinity in the picture, and are not too steep."""
    corners = np.array([[0.0, size - 1.0, 0.0, size - 1.0], [0.0, 0.0, size - 1.0, size - 1.0]])
    values = np.array([layer.plane.disparity(*corners) for layer in layers])
    steepest = max(math.hypot(layer.plane.slope_x, layer.plane.slope_y) for layer in layers)
    ordered = bool((np.diff(values, axis=0) <= 0.0).all())
    return ordered and values.min() >= MIN_DISPARITY and values.max() < 1.0 and strength * steepest <= MAX_SLOPE
