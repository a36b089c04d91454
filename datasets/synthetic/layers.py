"""Layered scenes: planes with premultiplied textures, their pinhole picture and disparity.

Convention: pixel centres have integer coordinates, (0, 0) is the frame's top left pixel; textures are float32
premultiplied RGBA in linear light, one texel per pixel of the frame at a whole offset, so that the pinhole picture of
a layer is its texture itself, never a resampled one. Layers are ordered front to back; the last is opaque.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InvalidSceneError

MAX_SLOPE = 0.5
"""Largest change of the blur radius, px per px: steeper planes are seen nearly edge-on by a part of the lens."""


@dataclass(frozen=True)
class Plane:
    """Disparity slope_x * x + slope_y * y + offset at the frame's pixel (x, y): a tilted plane is linear in 1/z."""

    slope_x: float
    slope_y: float
    offset: float

    def disparity(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate at pixel coordinates of any broadcastable shapes."""
        return self.slope_x * x + self.slope_y * y + self.offset

    @classmethod
    def through(cls, x: float, y: float, disparity: float, slope_x: float, slope_y: float) -> "Plane":
        """Return the plane that has ``disparity`` at the pixel (x, y)."""
        return cls(slope_x, slope_y, disparity - slope_x * x - slope_y * y)


@dataclass(frozen=True, eq=False)
class Layer:
    """A texture (h,w,4) float32 on a plane; its first texel lies on the frame's pixel (left, top), which may be < 0."""

    rgba: NDArray[np.float32]
    top: int
    left: int
    plane: Plane


@dataclass(frozen=True, eq=False)
class LayeredScene:
    """Layers front to back, the size of the frame, and the lens as in Scene.

    Raises InvalidSceneError where layers cross inside the frame, a plane is too steep for the lens, or the background
    is not opaque.
    """

    layers: Sequence[Layer]
    height: int
    width: int
    focus_disparity: float
    blur_strength: float

    def __post_init__(self) -> None:
        _check_background(self.layers[-1])
        _check_order(self.layers, self.height, self.width)
        for index, layer in enumerate(self.layers):
            slope = self.blur_strength * np.hypot(layer.plane.slope_x, layer.plane.slope_y)
            if slope > MAX_SLOPE:
                raise InvalidSceneError(
                    f"layer {index}: its blur radius changes by {slope:.2f} px per px, "
                    f"expected <= {MAX_SLOPE}: tilt it less"
                )

    def reach_px(self, index: int) -> float:
        """Return how far from its pixel a lens ray through the frame can meet layer ``index``, in px."""
        plane = self.layers[index].plane
        x, y = _corners(self.height, self.width)
        radius = np.abs(self.blur_strength * (plane.disparity(x, y) - self.focus_disparity)).max()
        return float(radius / (1.0 - self.blur_strength * np.hypot(plane.slope_x, plane.slope_y)))


def crop(scene: LayeredScene, top: int, left: int, height: int, width: int) -> LayeredScene:
    """Return the scene as seen in a part of its frame: the same rays, in coordinates that start at (left, top)."""
    layers = [
        Layer(
            layer.rgba,
            layer.top - top,
            layer.left - left,
            Plane(
                layer.plane.slope_x,
                layer.plane.slope_y,
                layer.plane.offset + layer.plane.slope_x * left + layer.plane.slope_y * top,
            ),
        )
        for layer in scene.layers
    ]
    return LayeredScene(layers, height, width, scene.focus_disparity, scene.blur_strength)


def pinhole(
    layers: Sequence[Layer], height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Composite the layers as a lens without extent sees them.

    Returns the all-in-focus picture (H,W,3) float32, linear; the disparity (H,W) float32; each layer's visible share
    (L,H,W) float32. At mixed pixels the disparity is the mean of the layers' disparities weighted by those shares.
    Source: BokehDiff, Sec. 3.3 (picture and disparity are alpha composites of the layers).
    """
    x, y = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    picture, disparity = np.zeros((height, width, 3)), np.zeros((height, width))
    shares = np.zeros((len(layers), height, width), np.float32)
    transmittance = np.ones((height, width))
    for index, layer in enumerate(layers):
        rgba = place_texture(layer, height, width, margin=0).astype(np.float64)
        picture += transmittance[..., None] * rgba[..., :3]
        shares[index] = transmittance * rgba[..., 3]
        disparity += transmittance * rgba[..., 3] * layer.plane.disparity(x, y)
        transmittance *= 1.0 - rgba[..., 3]
    return picture.astype(np.float32), disparity.astype(np.float32), shares


def place_texture(layer: Layer, height: int, width: int, margin: int) -> NDArray[np.float32]:
    """Return the layer's texture over the frame and ``margin`` px around it; transparent where it does not reach."""
    canvas = np.zeros((height + 2 * margin, width + 2 * margin, 4), np.float32)
    top, left = layer.top + margin, layer.left + margin
    bottom = min(top + layer.rgba.shape[0], canvas.shape[0])
    right = min(left + layer.rgba.shape[1], canvas.shape[1])
    first_row, first_column = max(top, 0), max(left, 0)
    if first_row < bottom and first_column < right:
        piece = layer.rgba[first_row - top : bottom - top, first_column - left : right - left]
        canvas[first_row:bottom, first_column:right] = piece
    return canvas


def _corners(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array([0.0, width - 1.0, 0.0, width - 1.0]), np.array([0.0, 0.0, height - 1.0, height - 1.0])


def _check_background(background: Layer) -> None:
    if float(background.rgba[..., 3].min()) < 1.0:
        raise InvalidSceneError("background: expected an opaque texture: the last layer ends every ray")


def _check_order(layers: Sequence[Layer], height: int, width: int) -> None:
    # The difference of two linear functions takes its extremes at the corners.
    x, y = _corners(height, width)
    for index in range(len(layers) - 1):
        gap = layers[index].plane.disparity(x, y) - layers[index + 1].plane.disparity(x, y)
        if gap.min() < 0.0:
            raise InvalidSceneError(
                f"layers {index} and {index + 1} cross inside the frame: list them front to back, or tilt them less"
            )
