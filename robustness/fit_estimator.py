"""``python -m bokehbench.robustness.fit_estimator DIR``: what predicted disparity gets wrong, and the fit to it.

DIR holds photographs with predicted disparity, ``NAME_image.*`` and ``NAME_disparity.*``, larger = nearer. Nobody knows
their true maps, so each map is held against its own picture. The same is measured on Middlebury's motorcycle, with its
measured map and with that map as ``estimator`` changes it: the severity and the proportions are those that make the
changed map most like the predicted ones.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..core.commands import ends_in_one_line
from ..core.errors import InvalidOptionError, MissingDataError
from ..core.option_parser import OneLineParser
from ..datasets.files.maps import read_disparity
from ..datasets.files.pictures import read_picture
from ..datasets.motorcycle import Motorcycle
from .perturbations.estimates import OUTSET, SOFTNESS, estimate

Floats = NDArray[np.float32]

LONGER_SIDE_PX = 741
"""Of the motorcycle; larger pictures are reduced to it, and lengths are in its px."""

REACH_PX = 16
"""How far a profile across a depth edge reaches to either side."""

OUTLINE_REACH_PX = 4
"""How far from a depth edge the picture's outline is looked for."""

STEP_PX = 0.5
LEAST_JUMP = 0.15
"""Of the map's range: a smaller jump is no depth edge here."""

THIN_PX, THICK_PX = 4, 24
"""Radii of openings and closings: what the first removes is thin, what the second removes is all that is compared."""

SEVERITIES_PX = np.arange(0.75, 4.01, 0.25)
OUTSETS = np.arange(0.0, 0.61, 0.05)
SOFTNESSES = np.arange(0.2, 0.81, 0.05)


@dataclass(frozen=True)
class Statistics:
    """What a map is like, from ``edges`` pixels on depth edges.

    ``thin``: what an opening and a closing of radius THIN_PX change, over what those of THICK_PX do. ``outset_px``:
    median of how far a depth edge lies outside the picture's strongest outline beside it. ``width_px``: median distance
    between 10 % and 90 % of the jump.
    """

    thin: float
    outset_px: float
    width_px: float
    edges: int


def measure(picture: Floats, disparity: Floats) -> Statistics:
    """Measure a map (H,W) beside its picture (H,W,3), display-encoded, [0,1].

    Raises InvalidOptionError without depth edges.
    """
    scaled = (disparity - disparity.min()) / (disparity.max() - disparity.min())
    rows, columns = _profiles_across_edges(scaled)
    profiles = ndimage.map_coordinates(scaled, [rows, columns], order=1)
    rising, jumps = _keep_the_rise(profiles)
    is_edge = jumps >= LEAST_JUMP
    if not is_edge.any():
        raise InvalidOptionError(
            f"expected depth edges of {LEAST_JUMP:.0%} of the range, {REACH_PX} px from the frame, found none: omit it"
        )
    rising, rows, columns = rising[is_edge], rows[is_edge], columns[is_edge]
    low, middle, high = (_find_level(rising, level) for level in (0.1, 0.5, 0.9))
    inward = _find_outline(picture, rows, columns) - middle
    return Statistics(
        thin=_changed_by_opening(scaled, THIN_PX) / _changed_by_opening(scaled, THICK_PX),
        outset_px=float(np.median(inward)),
        width_px=float(np.median(high - low)),
        edges=len(rising),
    )


def _positions() -> NDArray[np.float64]:
    return np.arange(-REACH_PX, REACH_PX + STEP_PX / 2, STEP_PX)


def _profiles_across_edges(disparity: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rows and columns of points along the normal of each edge pixel, (edges, points), from far to near.

    Edge pixels are those whose gradient is the largest along its direction.
    """
    down, across = (ndimage.gaussian_filter(disparity, 1.5, order=order) for order in ((1, 0), (0, 1)))
    slope = np.hypot(down, across)
    down, across = down / (slope + 1e-9), across / (slope + 1e-9)
    rows, columns = np.mgrid[: disparity.shape[0], : disparity.shape[1]]
    before, after = (
        ndimage.map_coordinates(slope, [rows + side * down, columns + side * across], order=1) for side in (-1, 1)
    )
    inside = np.zeros(disparity.shape, bool)
    inside[REACH_PX + 1 : -REACH_PX - 1, REACH_PX + 1 : -REACH_PX - 1] = True
    row, column = np.nonzero((slope > before) & (slope >= after) & (slope > 0.01) & inside)
    normal = down[row, column], across[row, column]
    return row[:, None] + normal[0][:, None] * _positions(), column[:, None] + normal[1][:, None] * _positions()


def _keep_the_rise(profiles: Floats) -> tuple[Floats, Floats]:
    """Return each profile as it rises about its middle, from 0 to 1, flat elsewhere; and by how much it rises."""
    middle = profiles.shape[1] // 2
    steps = np.diff(profiles, axis=1)
    rises = steps > 0.002
    right = np.logical_and.accumulate(rises[:, middle:], axis=1)
    left = np.logical_and.accumulate(rises[:, middle - 1 :: -1], axis=1)[:, ::-1]
    kept = np.where(np.concatenate([left, right], axis=1), steps, 0.0)
    jumps = kept.sum(axis=1)
    rising = np.cumsum(kept, axis=1) / np.maximum(jumps, 1e-9)[:, None]
    return np.concatenate([np.zeros((len(profiles), 1)), rising], axis=1), jumps


def _find_level(rising: Floats, level: float) -> Floats:
    """Return where each rise crosses ``level``, px from the edge pixel, above 0 towards what is nearer."""
    above = (rising < level).sum(axis=1)
    first, second = (np.take_along_axis(rising, index[:, None], axis=1)[:, 0] for index in (above - 1, above))
    return _positions()[above - 1] + STEP_PX * (level - first) / (second - first)


def _find_outline(picture: Floats, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> Floats:
    """Return where the colour (CIELAB) changes most across each edge, within OUTLINE_REACH_PX of its pixel."""
    lab = cv2.cvtColor(cv2.GaussianBlur(picture, (0, 0), 1.0), cv2.COLOR_RGB2LAB)
    colours = np.stack([ndimage.map_coordinates(lab[..., n], [rows, columns], order=1) for n in range(3)])
    change = np.square(np.gradient(colours, axis=2)).sum(axis=0)
    near = np.abs(_positions()) <= OUTLINE_REACH_PX
    return _positions()[near][np.argmax(change[:, near], axis=1)]


def _changed_by_opening(disparity: Floats, radius_px: int) -> float:
    """Return the mean of how far closing and opening by a disc lie apart."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1))
    closed, opened = (cv2.morphologyEx(disparity, kind, disc) for kind in (cv2.MORPH_CLOSE, cv2.MORPH_OPEN))
    return float((closed - opened).mean())


def read_pairs(folder: Path) -> dict[str, tuple[Floats, Floats]]:
    """Return pictures and predicted maps by name, reduced to LONGER_SIDE_PX.

    Raises MissingDataError without any, InvalidOptionError for a map that is not of its picture's size.
    """
    pairs = {}
    for path in sorted(folder.glob("*_image.*")):
        name = path.name.partition("_image.")[0]
        for other in sorted(folder.glob(f"{name}_disparity.*")):
            if name in pairs:
                raise InvalidOptionError(f"{other}: a second map of {path.name}: keep one of them")
            picture, disparity = read_picture(path), read_disparity(other)
            if picture.shape[:2] != disparity.shape:
                sizes = [f"{image.shape[1]}x{image.shape[0]} px" for image in (picture, disparity)]
                raise InvalidOptionError(f"{other}: expected {sizes[0]} as {path.name}, got {sizes[1]}: resample it")
            pairs[name] = _reduce(picture), _reduce(disparity)
    if not pairs:
        raise MissingDataError(f"{folder}: expected NAME_image.* beside NAME_disparity.*, found no such pair")
    return pairs


def _reduce(image: Floats) -> Floats:
    height, width = image.shape[:2]
    factor = min(1.0, LONGER_SIDE_PX / max(height, width))
    size = round(width * factor), round(height * factor)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)


def fit(picture: Floats, disparity: Floats, target: Statistics) -> tuple[float, float, float]:
    """Return severity in px, outset and softness that make a true map most like ``target``.

    One after the other and twice: each moves nearly nothing but its own statistic.
    """

    def changed(severity: float, outset: float, softness: float) -> Statistics:
        return measure(picture, estimate(disparity, severity, np.random.default_rng(0), outset, softness))

    severity, outset, softness = 2.0, OUTSET, SOFTNESS
    for _ in range(2):
        severity = min(SEVERITIES_PX, key=lambda s: abs(changed(s, outset, softness).thin - target.thin))
        softness = min(SOFTNESSES, key=lambda b: abs(changed(severity, outset, b).width_px - target.width_px))
        outset = min(OUTSETS, key=lambda o: abs(changed(severity, o, softness).outset_px - target.outset_px))
    return float(severity), float(outset), float(softness)


@ends_in_one_line("error", also=(OSError,), goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure predicted maps, fit the perturbation ``estimator`` to them and print both."""
    parser = OneLineParser(prog="python -m bokehbench.robustness.fit_estimator", description=main.__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="NAME_image.* beside NAME_disparity.*")
    found = {}
    for name, pair in read_pairs(parser.parse_args(arguments).folder).items():
        try:
            found[name] = measure(*pair)
        except InvalidOptionError as error:
            raise InvalidOptionError(f"{name}: {error}") from error
    target = Statistics(*np.mean([astuple(one) for one in found.values()], axis=0))
    scene = Motorcycle().load("wall")
    picture, disparity = np.ascontiguousarray(scene.image.permute(1, 2, 0).numpy()), scene.disparity[0].numpy()
    severity, outset, softness = fit(picture, disparity, target)
    changed = estimate(disparity, severity, np.random.default_rng(0), outset, softness)
    found |= {"mean of these": target, "motorcycle, measured": measure(picture, disparity)}
    found["motorcycle, changed"] = measure(picture, changed)
    print(f"{'':24} thin   outset  10-90 %  edge pixels  (px of {LONGER_SIDE_PX})")
    for name, one in found.items():
        print(f"{name:24} {one.thin:.3f}  {one.outset_px:+.2f}   {one.width_px:.2f}     {one.edges:.0f}")
    share = 100.0 * severity / LONGER_SIDE_PX
    print(f"severity {severity:.2f} px, {share:.2f} % of the longer side; outset {outset:.2f}, softness {softness:.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
