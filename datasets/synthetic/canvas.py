"""A supersampled canvas for painting cut-outs, and the textures that keep them from looking flat."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from ...core.optics import GAMMA
from .photographs import cover, load_photograph

OVERSAMPLING = 4
Colour = tuple[float, float, float]

_DECODED = ((np.arange(256) / 255.0) ** GAMMA).astype(np.float32)
PAINT = np.stack([_DECODED, _DECODED, _DECODED, np.arange(256, dtype=np.float32) > 0], axis=1)[None]
"""Bytes of a canvas's pixels as linear light and coverage, (1,256,4) float32. What is transparent is black."""


class Canvas:
    """Opaque paint on a transparent ground, at OVERSAMPLING times the final resolution: coverage becomes alpha.

    Coordinates and widths are in px of the final picture, colours display-encoded in [0,1].
    """

    def __init__(self, height: int, width: int):
        self._image = Image.new("RGBA", (width * OVERSAMPLING, height * OVERSAMPLING), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self._image)

    def line(self, points: NDArray[np.float64], colour: Colour, width_px: float) -> None:
        """Draw a polyline through points (N,2) of (x, y)."""
        width = max(1, round(width_px * OVERSAMPLING))
        self._draw.line(_scaled(points), fill=_byte_colour(colour), width=width, joint="curve" if width > 3 else None)

    def segments(
        self,
        starts: NDArray[np.float64],
        ends: NDArray[np.float64],
        colours: NDArray[np.float64],
        width_px: float | NDArray[np.float64],
    ) -> None:
        """Draw N straight strokes in order: from starts to ends, both (N,2), with colours (N,3) and their widths."""
        widths = np.maximum(1, np.round(np.broadcast_to(width_px, len(starts)) * OVERSAMPLING)).astype(int).tolist()
        strokes = ((np.concatenate([starts, ends], axis=1) + 0.5) * OVERSAMPLING).tolist()
        red, green, blue = np.round(255.0 * np.clip(colours, 0.0, 1.0)).astype(np.int64).T
        inks = (red | green << 8 | blue << 16 | 255 << 24).tolist()  # as Pillow packs a colour: quicker than tuples
        for stroke, ink, width in zip(strokes, inks, widths, strict=True):
            self._draw.line(stroke, fill=ink, width=width)

    def polygon(self, points: NDArray[np.float64], colour: Colour) -> None:
        """Fill a closed outline (N,2) of (x, y)."""
        self._draw.polygon(_scaled(points), fill=_byte_colour(colour))

    def ellipse(self, centre: NDArray[np.float64], radius_x: float, radius_y: float, colour: Colour) -> None:
        """Fill an ellipse around ``centre`` (x, y)."""
        radii = np.array([radius_x, radius_y])
        box = np.stack([centre - radii, centre + radii - 1.0 / OVERSAMPLING])  # PIL paints the last pixel, too
        self._draw.ellipse(_scaled(box), fill=_byte_colour(colour))

    def rgba(self) -> NDArray[np.float32]:
        """Return the painting (h,w,4) float32, linear, premultiplied."""
        pixels = np.asarray(self._image)
        total = np.zeros((pixels.shape[0] // OVERSAMPLING, pixels.shape[1] // OVERSAMPLING, 4), np.float32)
        for row in range(OVERSAMPLING):
            linear = np.asarray(cv2.LUT(pixels[row::OVERSAMPLING], PAINT))
            for column in range(OVERSAMPLING):
                total += linear[:, column::OVERSAMPLING]
        total /= OVERSAMPLING**2
        return total


def shade(rgba: NDArray[np.float32], light: NDArray[np.floating]) -> NDArray[np.float32]:
    """Multiply a premultiplied picture's colour by ``light`` (h,w) or (h,w,3), linear, and clip it to its alpha."""
    factor = light[..., None] if light.ndim == 2 else light
    colour = np.minimum(rgba[..., :3] * factor, rgba[..., 3:])
    return np.concatenate([colour, rgba[..., 3:]], axis=2).astype(np.float32)


def smooth_noise(height: int, width: int, grain_px: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (h,w) noise with mean 0 and standard deviation 1 whose patches are about ``grain_px`` wide."""
    noise = gaussian_filter(rng.random((height, width)) - 0.5, grain_px / 2.0, mode="reflect")
    return (noise - noise.mean()) / max(float(noise.std()), 1e-12)


def photograph_texture(name: str, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a random piece of a packaged photograph, (h,w,3) linear, scaled to a mean of 1 over all channels."""
    place = (float(rng.random()), float(rng.random()))
    piece = (cover(load_photograph(name), height, width, place) / 255.0) ** GAMMA
    return piece / piece.mean()


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Blend two colours; ``share`` of the second."""
    return (
        first[0] + share * (second[0] - first[0]),
        first[1] + share * (second[1] - first[1]),
        first[2] + share * (second[2] - first[2]),
    )


def dimmed(colour: Colour, light: float) -> Colour:
    """Scale a display-encoded colour, clipped to white."""
    return (min(colour[0] * light, 1.0), min(colour[1] * light, 1.0), min(colour[2] * light, 1.0))


def _scaled(points: NDArray[np.float64]) -> list[tuple[float, float]]:
    # A pixel's centre has integer coordinates here; PIL cuts coordinates down to the fine pixel that holds them.
    return [(x, y) for x, y in ((points + 0.5) * OVERSAMPLING).tolist()]


def _byte_colour(colour: Iterable[float]) -> tuple[int, ...]:
    return (*(round(255 * min(max(c, 0.0), 1.0)) for c in colour), 255)
