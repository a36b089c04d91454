"""Settings and files that contradict a scene's own pictures: what a look at the numbers would show at once.

``find_doubts`` says it in words. Nothing is refused: each sign can have an honest cause, and so says "looks".
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..core.scene import Scene

Map = NDArray[np.float32]
Doubt = tuple[str, str]
"""Its kind, the same words for all scenes, and a sentence with the scene's numbers."""

OUTSIDE_SHARE = 0.02
"""How far outside the map the focus may lie, as a share of the map's range."""

SHARP_PX = 0.05
SHARP_SHARE = 0.95
FEW_SHARE = 0.001
FEW_RADIUS = 0.25
"""Fewer than this share of the pixels reach this share of the largest radius: they are errors of the map."""

FOCUSED_PX, BLURRED_PX, FAR_BLURRED_PX = 1.0, 2.0, 4.0
TILE_PX = 32
LEAST_SIDE_PX = 8
MOST_TILES = 256
LEAST_TILES, TILES_TO_RANK = 4, 12
TEXTURE = 0.02
"""Mean change from pixel to pixel, of the mean, from which a tile has something to blur."""

LEAST_DIFFERENCE = 0.25 / 255.0
SHARPER, MORE_TILES = 1.15, 2.0
"""A tile has gained or lost detail by this factor; in exchanged pictures more have gained than lost, by this factor."""

ALL_LOST_PX = 6.0
"""From this radius on no detail is left, and what counts as such says nothing."""

MORE_KEPT, WRONG_WAY = 1.3, 0.4
"""Detail kept where it is blurred over that where it is not; rank correlation of detail and radius. In 56 sound scenes
(synbokeh-mini, 24 of synbokeh300, path-traced ones) at most 1.14 and 0.25."""

ALIKE = 0.9
COARSE_SIDE_PX = 160
COARSE_FOCUSED_PX = 0.75
COARSE_BLURRED_PX = 1.5
COARSE_LARGEST_PX = 24.0
LEAST_COVER = 0.15
LEAST_BAND_PX = 40
LEAST_AT_STAKE = 2e-4
BETTER = 0.35

NEARLY_ALL = 0.9
"""Of the upper and of the lower third of a map. At 0.8 of them 2 of the 56 sound scenes would be called inverted."""


def measure_radii(scene: Scene) -> tuple[float, float]:
    """Return the median blur radius, over at most some 512x512 pixels, and the largest of all, px."""
    radii = scene.defocus[0].abs().numpy()
    return float(np.median(_thinned(radii))), float(radii.max())


def find_doubts(scene: Scene, photograph: bool = False) -> dict[str, str]:
    """Return what about a scene looks wrong: a sentence by kind. Takes some 9 ms for 512x512 px.

    ``photograph``: of the usual orientation, so that the ground is nearer than what stands above it.
    """
    defocus = scene.defocus[0].numpy()
    found = [_focus_outside(scene), _odd_radii(np.abs(defocus))]
    if scene.target is not None and scene.scale == 1 and min(defocus.shape) >= LEAST_SIDE_PX:
        found.append(_odd_sharpness(scene, defocus) or _odd_occlusion(scene, defocus))
    if (photograph or scene.target is None) and not any(found):
        found.append(_odd_orientation(scene.disparity[0].numpy()))
    return dict(doubt for doubt in found if doubt)


def _focus_outside(scene: Scene) -> Doubt | None:
    low, high = float(scene.disparity.min()), float(scene.disparity.max())
    off = max(low - scene.focus_disparity, scene.focus_disparity - high)
    if off <= OUTSIDE_SHARE * (high - low) or low == high:
        return None
    focus, far, near = map(scene.write_disparity, (scene.focus_disparity, low, high))
    unit = "the map's unit (floats as they are, 8- and 16-bit maps scaled to [0, 1], depth as 1/m)"
    if scene.is_metric:
        unit = "metres (focus_depth) or 1/m (focus_disparity)"
    return "focus outside the map", (
        f"the focus {focus} lies outside the map, {far} to {near}, so that nothing is in focus: it is given in {unit}"
    )


def _odd_radii(radii: Map) -> Doubt | None:
    largest = float(radii.max())
    few = float((radii > FEW_RADIUS * largest).mean())
    if largest > FOCUSED_PX and few < FEW_SHARE:
        elsewhere = float(np.quantile(radii, 1.0 - FEW_SHARE))
        return "few pixels take all of the blur", (
            f"{100.0 * few:.2g} % of the pixels are blurred by up to {largest:.3g} px, all others by at most "
            f"{elsewhere:.2g} px: they look like errors of the map"
        )
    sharp = float((_thinned(radii) < SHARP_PX).mean())
    if sharp <= SHARP_SHARE:
        return None
    return "hardly any blur", f"{100.0 * sharp:.3g} % of the picture have a blur radius below {SHARP_PX:g} px"


def _odd_sharpness(scene: Scene, defocus: Map) -> Doubt | None:
    """Compare the detail of target and input, tile by tile, with the blur that the settings give."""
    assert scene.target is not None  # noqa: S101 - asked by the caller
    image, target = (picture.clamp(max=1.0).mean(0).numpy() for picture in (scene.image, scene.target))
    before, after = _detail(_tiles(image)), _detail(_tiles(target))
    textured = np.maximum(before, after) > TEXTURE
    radii = np.median(_tiles(np.abs(defocus)), axis=(1, 2)).astype(np.float32)[textured]
    if not len(radii) or float(np.abs(defocus).max()) < FOCUSED_PX:
        return None
    kept = (after / np.maximum(before, 1e-6)).astype(np.float32)[textured]
    if float(np.abs(target - image).mean()) < LEAST_DIFFERENCE:
        return "target not blurred", "the target is the input: expected the picture with blur"
    sharper, softer = int((kept > SHARPER).sum()), int((kept < 1.0 / SHARPER).sum())
    if sharper >= LEAST_TILES and sharper > MORE_TILES * softer:
        return "input and target exchanged", "the target looks sharper than the input: the two look exchanged"
    if _is_the_wrong_way(radii, kept):
        return "map inverted", (
            "the target looks sharper where the settings blur more: the map looks inverted (larger must be nearer), or "
            "the focus wrong"
        )
    blurred = kept[radii > FAR_BLURRED_PX]
    if len(blurred) >= LEAST_TILES and float(np.median(blurred)) > ALIKE:
        return "target not blurred", (
            f"the target looks as sharp as the input where the settings blur it by over {FAR_BLURRED_PX:g} px"
        )
    return None


def _is_the_wrong_way(radii: Map, kept: Map) -> bool:
    """Whether detail is kept where the settings blur, and lost where they do not; of textured tiles."""
    blurred, focused = kept[radii > FAR_BLURRED_PX], kept[radii < BLURRED_PX]
    if min(len(blurred), len(focused)) >= LEAST_TILES and np.median(blurred) > MORE_KEPT * np.median(focused):
        return True
    near = np.minimum(radii, ALL_LOST_PX)
    spread_px = float(np.subtract(*np.quantile(near, (0.9, 0.1))))
    return len(near) >= TILES_TO_RANK and spread_px > 1.0 and _rank_correlation(near, kept) > WRONG_WAY


def _odd_occlusion(scene: Scene, defocus: Map) -> Doubt | None:
    """Say where the blur spreads over what is in focus, as that of nearer things does, though the map says farther.

    Around what is in focus, the target is compared with three pictures: with the blurred region before it, behind it,
    and mixed with it, as it comes from renderers without occlusion; on a coarse copy, with one radius.
    """
    assert scene.target is not None  # noqa: S101 - asked by the caller
    factor = max(1.0, max(defocus.shape) / COARSE_SIDE_PX)
    image, target = (_coarse(picture, factor, scene.gamma) for picture in (scene.image, scene.target))
    image *= target.mean() / max(float(image.mean()), 1e-6)
    signed = _shrunk(defocus, factor) / np.float32(factor)
    focused = np.abs(signed) < COARSE_FOCUSED_PX
    for region, is_before in ((signed > COARSE_BLURRED_PX, True), (signed < -COARSE_BLURRED_PX, False)):
        errors = _layer_errors(image, target, focused, region, np.abs(signed))
        if errors is None:
            continue
        behind, before, mixed = errors
        claimed, opposite = (before, behind) if is_before else (behind, before)
        if opposite < BETTER * min(claimed, mixed):
            here, there = ("before", "behind") if is_before else ("behind", "before")
            return "map inverted", (
                f"the map looks inverted (larger must be nearer): what it puts {here} the focus is blurred in the "
                f"target as what lies {there} it"
            )
    return None


def _layer_errors(
    image: Map, target: Map, focused: NDArray[np.bool_], region: NDArray[np.bool_], radii: Map
) -> tuple[float, float, float] | None:
    """Return the squared error of the target around what is in focus, were ``region`` behind it, before it or mixed.

    None where the region does not reach over enough of what is in focus, or has its colour.
    """
    around = cv2.dilate(focused.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    edge = region & around
    if int(edge.sum()) < LEAST_BAND_PX:
        return None
    kernel = _disc(min(float(np.median(radii[edge])), COARSE_LARGEST_PX))
    inside = region.astype(np.float32)[..., None]
    spread = cv2.filter2D(np.concatenate([image * inside, inside], axis=2), -1, kernel, borderType=cv2.BORDER_REPLICATE)
    cover = spread[..., 3:]
    band = focused & (cover[..., 0] > LEAST_COVER)
    if int(band.sum()) < LEAST_BAND_PX:
        return None
    cover, over, sharp, seen = cover[band], spread[..., :3][band], image[band], target[band]
    before = over + (1.0 - cover) * sharp
    mixed = (sharp + over) / (1.0 + cover)
    if float(np.square(before - sharp).mean()) < LEAST_AT_STAKE:
        return None
    return tuple(float(np.square(seen - guess).mean()) for guess in (sharp, before, mixed))  # type: ignore[return-value]


def _odd_orientation(disparity: Map) -> Doubt | None:
    """Say where nearly all of the upper third is nearer than nearly all of the lower one."""
    third = disparity.shape[0] // 3
    if third == 0:
        return None
    above = np.quantile(_thinned(disparity[:third]), 1.0 - NEARLY_ALL)
    below = np.quantile(_thinned(disparity[-third:]), NEARLY_ALL)
    if above <= below:
        return None
    return "map inverted", "the map looks inverted (larger must be nearer): what is above is nearer than what is below"


def _thinned(values: Map) -> Map:
    """Return every n-th row and column, so that some 512x512 values are left."""
    step = max(1, math.isqrt(values.size // 512**2))
    return values[::step, ::step]


def _tiles(values: Map) -> Map:
    """Cut (H,W) into (N,T,T), evenly chosen where there are many."""
    size = min(TILE_PX, *values.shape)
    rows, columns = (length // size for length in values.shape)
    tiles = values[: rows * size, : columns * size].reshape(rows, size, columns, size).swapaxes(1, 2)
    return tiles.reshape(-1, size, size)[:: max(1, rows * columns // MOST_TILES)]


def _detail(tiles: Map) -> Map:
    """Return the mean change from pixel to pixel of each tile, relative to its mean."""
    down, right = (np.abs(np.diff(tiles, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2))
    return (down + right) / (2.0 * np.maximum(tiles.mean(axis=(1, 2)), 0.02))


def _rank_correlation(first: Map, second: Map) -> float:
    """Return Spearman's coefficient, 0 where either is constant."""
    ranks = []
    for values in (first, second):
        _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
        ranks.append((np.cumsum(counts) - 0.5 * counts)[place])
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1]) if all(np.ptp(rank) > 0.0 for rank in ranks) else 0.0


def _coarse(picture: Tensor, factor: float, gamma: float) -> Map:
    """Return (3,H,W), display-encoded, as a coarse (h,w,3) in linear light."""
    channels = [_shrunk(channel, factor) for channel in picture.clamp(max=1.0).numpy()]
    return np.stack(channels, axis=2) ** np.float32(gamma)


def _shrunk(values: Map, factor: float) -> Map:
    size = tuple(max(1, round(length / factor)) for length in reversed(values.shape))
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)


def _disc(radius_px: float) -> Map:
    reach = math.ceil(radius_px)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius_px + 0.5 - np.hypot(x, y), 0.0, 1.0).astype(np.float32)
    return disc / disc.sum()
