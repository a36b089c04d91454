"""Ground truth: a thin lens looks at tilted planes with transparency, in linear light.

A ray through the pixel q and the lens position u (unit disc) meets the disparity d at the image position
q + u K (d - d_f), with K the blur strength; this follows from the thin lens without approximation. On a plane
d = n.q' + c the meeting point is exact as well: K (d - d_f) = r(q) / (1 - K n.u), with r(q) the signed blur radius
that the plane has at the pixel itself.
Source: BokehDiff, Sec. 3.3, "ray tracer over the layers".
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ...core.errors import InvalidSceneError
from .layers import LayeredScene, place_texture
from .lens_rays import TILE_ROWS, View, lay_out, ray_shifts, trace_rows

PREFILTER = 0.35
"""Standard deviation of the texture's prefilter in units of the distance between lens samples."""

SAMPLE_LEVELS = ((2.0, 256), (6.0, 512), (18.0, 1024), (math.inf, 2048))
"""Up to which radius in px a pixel needs how many lens samples for 70 dB against 20 000 of them."""

PREFILTER_STEP_PX = 0.25
ROUNDING = 1e-5
GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))


def trace(scene: LayeredScene, samples: int | None = None, prefilter: float = PREFILTER) -> NDArray[np.float32]:
    """Render what a lens sees: (H,W,3) float32, linear light.

    ``samples``: points of a Vogel spiral on the lens; None chooses per pixel from SAMPLE_LEVELS by how far its rays can
    reach. ``prefilter``: blur each texture by this multiple of the distance between samples at its radius (0: none),
    which removes the sampling pattern at nearly no loss of sharpness.
    Deterministic to the bit for any number of threads: one thread adds each pixel's samples in a fixed order.
    Raises InvalidSceneError where the background does not reach far enough beyond the frame.
    """
    reaches = [scene.reach_px(index) for index in range(len(scene.layers))]
    margin = math.ceil(max(reaches)) + 2
    levels = SAMPLE_LEVELS if samples is None else ((math.inf, samples),)
    _check_coverage(scene, math.ceil(reaches[-1]) + 1)
    textures = np.stack(
        [_prepare_texture(scene, index, margin, levels, prefilter) for index in range(len(scene.layers))]
    )
    alpha = textures[..., 3]
    any_alpha = np.stack([_summed_area(layer > 0.0) for layer in alpha])
    any_gap = np.stack([_summed_area(layer < 1.0) for layer in alpha])
    planes = np.array([(x.plane.slope_x, x.plane.slope_y, x.plane.offset) for x in scene.layers])
    planes[:, 2] -= scene.focus_disparity
    lens = np.concatenate([vogel_disc(count) for _, count in levels])
    limits, ends = np.array([limit for limit, _ in levels]), np.cumsum([count for _, count in levels])
    defocus = scene.blur_strength * planes
    view = View(lay_out(textures), any_alpha, any_gap, margin, defocus, ray_shifts(defocus, lens), limits, ends)
    output = np.empty((scene.height, scene.width, 3), np.float32)
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        for done in [pool.submit(trace_rows, top, view, output) for top in range(0, scene.height, TILE_ROWS)]:
            done.result()
    return output


def vogel_disc(samples: int) -> NDArray[np.float64]:
    """Return (samples, 2) points of equal area on the unit disc, on Vogel's spiral."""
    index = np.arange(samples, dtype=np.float64)
    radius, angle = np.sqrt((index + 0.5) / samples), index * GOLDEN_ANGLE
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _check_coverage(scene: LayeredScene, reach: int) -> None:
    background = scene.layers[-1]
    missing = max(
        background.top + reach,
        background.left + reach,
        scene.height + reach - background.top - background.rgba.shape[0],
        scene.width + reach - background.left - background.rgba.shape[1],
    )
    if missing > 0:
        raise InvalidSceneError(
            f"background: rays leave its texture by up to {missing} px: "
            f"make it reach {reach} px beyond the {scene.height}x{scene.width} frame on each side"
        )


def _prepare_texture(
    scene: LayeredScene, index: int, margin: int, levels: Sequence[tuple[float, int]], prefilter: float
) -> NDArray[np.float32]:
    """Return a layer's canvas, blurred at each texel by ``prefilter`` times the distance between the rays that meet it.

    n samples on a disc of radius r lie about r sqrt(pi / n) apart.
    """
    layer = scene.layers[index]
    canvas = place_texture(layer, scene.height, scene.width, margin)
    if index == len(scene.layers) - 1:
        canvas = _extend_edges(canvas)
    y, x = np.mgrid[: canvas.shape[0], : canvas.shape[1]] - float(margin)
    radius = np.abs(scene.blur_strength * (layer.plane.disparity(x, y) - scene.focus_disparity))
    counts = np.array([count for _, count in levels])
    samples = counts[np.searchsorted([limit for limit, _ in levels], radius)]
    return _blur_varying(canvas, prefilter * radius * np.sqrt(np.pi / samples))


def _extend_edges(canvas: NDArray[np.float32]) -> NDArray[np.float32]:
    """Repeat an opaque texture's outermost texels: no ray reads them, but the prefilter must not darken its edge."""
    rows, columns = np.flatnonzero(canvas[..., 3].any(axis=1)), np.flatnonzero(canvas[..., 3].any(axis=0))
    inner = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    before_after = [(f[0], n - 1 - f[-1]) for f, n in zip((rows, columns), canvas.shape[:2], strict=True)]
    return np.pad(inner, [*before_after, (0, 0)], mode="edge")


def _blur_varying(canvas: NDArray[np.float32], sigma_px: NDArray[np.float64]) -> NDArray[np.float32]:
    """Gaussian blur whose standard deviation varies slowly: blends of a few levels that keep the variance exact."""
    low, high = float(sigma_px.min()), float(sigma_px.max())
    if high == 0.0:
        return canvas
    levels = np.linspace(low, high, 2 + int((high - low) / PREFILTER_STEP_PX)) if high > low else np.array([low, low])
    position = np.clip(np.searchsorted(levels, sigma_px, side="right") - 1, 0, len(levels) - 2)
    span = np.maximum(levels[position + 1] ** 2 - levels[position] ** 2, 1e-12)
    upper = np.clip((sigma_px**2 - levels[position] ** 2) / span, 0.0, 1.0)
    output = np.zeros_like(canvas)
    for index, sigma in enumerate(levels):
        weight = np.where(position == index, 1.0 - upper, np.where(position + 1 == index, upper, 0.0))
        blurred = gaussian_filter(canvas, sigma=(sigma, sigma, 0.0), mode="nearest", truncate=4.0)
        output += weight[..., None].astype(np.float32) * blurred
    output[..., 3][output[..., 3] > 1.0 - ROUNDING] = 1.0  # so that opaque stays opaque, and ends rays
    return output


def _summed_area(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return (H+1, W+1) sums over all rows above and columns to the left."""
    table = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int32)
    table[1:, 1:] = mask.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
    return table
