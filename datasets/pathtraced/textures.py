"""Textures and cut-outs, from packaged photographs and from seeds."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, zoom

from ..synthetic.photographs import PHOTOGRAPHS, load_photograph

PHOTOGRAPHIC = tuple(name for name in PHOTOGRAPHS if name not in ("motorcycle", "deep-field"))


def shuffled_photographs(rng: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    """Yield the packaged photographs in random order, each once: (H,W,3) uint8."""
    for index in rng.permutation(len(PHOTOGRAPHIC)):
        yield load_photograph(PHOTOGRAPHIC[int(index)])


def blotches(rng: np.random.Generator, size: int = 512) -> NDArray[np.uint8]:
    """Paint coloured noise of several scales: (size,size,3) uint8, periodic across."""
    total = np.zeros((size, size, 3))
    for cells in (4, 12, 40, 120):
        coarse = rng.random((cells, cells, 3))
        wrapped = np.concatenate([coarse, coarse[:, :1]], axis=1)
        fine = zoom(wrapped, (size / cells, (size + 1) / (cells + 1), 1), order=1, mode="nearest")[:size, :size]
        total += (fine - 0.5) * cells**-0.35
    low, high = total.min(axis=(0, 1)), total.max(axis=(0, 1))
    return (40 + 200 * (total - low) / (high - low)).astype(np.uint8)


def hairy_cutout(rng: np.random.Generator, hairs: int, size: int = 768) -> NDArray[np.float32]:
    """Draw a round body with ``hairs`` curved strands: alpha (size,size) float32 in [0,1]."""
    fine = 2 * size
    angles = np.linspace(0.0, 2.0 * np.pi, 256, endpoint=False)
    waves = np.zeros_like(angles)
    for lobes in range(2, 7):
        waves += rng.normal(0.0, 0.05) * np.sin(lobes * angles + rng.uniform(0.0, 6.3))
    radii = fine * 0.27 * (1.0 + waves)
    outline = fine / 2 + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    mask = Image.new("L", (fine, fine), 0)
    draw = ImageDraw.Draw(mask)
    draw.polygon([tuple(point) for point in outline], fill=255)
    for _ in range(hairs):
        draw.line(_strand(rng, outline, fine), fill=255, width=int(rng.integers(4, 13)), joint="curve")
    alpha = gaussian_filter(np.asarray(mask, np.float32) / 255.0, 1.0)
    return alpha.reshape(size, 2, size, 2).mean(axis=(1, 3))


def leafy_cutout(rng: np.random.Generator, leaves: int, size: int = 768) -> NDArray[np.float32]:
    """Draw ``leaves`` ellipses in all directions with gaps between them: alpha (size,size) float32 in [0,1]."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    alpha = np.zeros((size, size), np.float32)
    for _ in range(leaves):
        turn, (u, v) = rng.uniform(0.0, np.pi), rng.uniform(0.15, 0.85, 2)
        along, across = rng.uniform(0.08, 0.18), rng.uniform(0.02, 0.06)
        a = (x - u) * np.cos(turn) + (y - v) * np.sin(turn)
        b = (y - v) * np.cos(turn) - (x - u) * np.sin(turn)
        distance = (1.0 - np.hypot(a / along, b / across)) * across * size
        np.maximum(alpha, np.clip(distance + 0.5, 0.0, 1.0), out=alpha)
    return alpha


def _strand(rng: np.random.Generator, outline: NDArray[np.float64], size: int) -> list[tuple[float, float]]:
    start = outline[int(rng.integers(len(outline)))]
    direction = (start - size / 2) / np.linalg.norm(start - size / 2)
    length, bend = size * rng.uniform(0.08, 0.2), rng.normal(0.0, 0.8)
    t = np.linspace(-0.2, 1.0, 16)[:, None]
    normal = np.array([-direction[1], direction[0]])
    points = start + length * (t * direction + bend * t * np.abs(t) * normal)
    return [(float(px), float(py)) for px, py in points]
