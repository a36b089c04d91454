"""Where the disparity of a photograph comes from: a file, the photograph itself, or a network's estimate."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ..core.errors import DamagedDataError, InvalidOptionError
from ..datasets.files.maps import SAME_SHAPE, read_depth, read_disparity, read_embedded_disparity
from .reading import Photograph, read_photograph

ESTIMATOR = "depth-anything/Depth-Anything-V2-Small-hf"
"""Relative inverse depth; Apache-2.0, 99 MB."""


@dataclass(frozen=True, kw_only=True)
class DepthSource:
    """Which map is meant; with none of the first three the one that the photograph carries.

    - ``disparity``: a file, larger = nearer; ``depth``: a file of metres, or of ``unit`` metres.
    - ``estimate``: let the network ``model`` guess it, a name on the hub or a folder.
    - ``ray_fov``: the horizontal field of view in degrees, where depth is the distance from the lens.
    """

    disparity: Path | None = None
    depth: Path | None = None
    estimate: bool = False
    model: str = ESTIMATOR
    unit: float | None = None
    ray_fov: float | None = None


@dataclass(frozen=True, eq=False)
class DepthMap:
    """``disparity``: (H,W) float32, larger = nearer; ``is_metric``: whether in 1/m; ``origin``: where it is from."""

    disparity: NDArray[np.float32]
    is_metric: bool
    origin: str


def open_with_depth(path: Path, source: DepthSource, gamma: float, device: str) -> tuple[Photograph, DepthMap]:
    """Read a photograph and its map, side by side where that is a file. Raises as both readers do."""
    with ThreadPoolExecutor(1) as beside:
        stored = beside.submit(_read_stored, source)
        photograph = read_photograph(path, gamma)
        return photograph, _fitted(stored.result(), photograph.pixels) or find_depth(path, photograph, source, device)


def find_depth(path: Path | None, photograph: Photograph, source: DepthSource, device: str) -> DepthMap:
    """Return the map that ``source`` means, at the photograph's size.

    Raises InvalidOptionError where there is none, DamagedDataError for one of another shape, MissingDataError and
    MissingWeightsError as the readers do.
    """
    pixels = photograph.pixels
    if stored := _fitted(_read_stored(source), pixels):
        return stored
    if source.estimate:
        return _estimated(pixels, source.model, device)
    found = None if path is None else read_embedded_disparity(path, *pixels.shape[:2], source.ray_fov)
    if path is None or found is None:
        raise InvalidOptionError(
            f"{path or 'the picture'}: carries no depth map: give one with --disparity FILE, take a portrait photograph"
            " (HEIC, or JPEG with GDepth), or let a network guess one with --estimate"
        )
    disparity, is_metric = found
    return DepthMap(disparity, is_metric, f"the map in {path.name}")


def _read_stored(source: DepthSource) -> DepthMap | None:
    """Read the file that is named; None where none is."""
    if source.disparity is not None:
        return DepthMap(read_disparity(source.disparity), False, str(source.disparity))
    if source.depth is not None:
        return DepthMap(read_depth(source.depth, source.unit, source.ray_fov), True, str(source.depth))
    return None


def _fitted(stored: DepthMap | None, pixels: NDArray[np.float32]) -> DepthMap | None:
    """Bring a map to the picture's size. Raises DamagedDataError for one of another shape, or that is constant then."""
    if stored is None or stored.disparity.shape == pixels.shape[:2]:
        return stored
    (rows, columns), (height, width) = stored.disparity.shape, pixels.shape[:2]
    if abs(columns * height / (rows * width) - 1.0) > SAME_SHAPE:
        raise DamagedDataError(
            f"{stored.origin}: {columns}x{rows} px: expected the shape of the upright picture, {width}x{height} px"
        )
    resized = np.asarray(cv2.resize(stored.disparity, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    if float(np.ptp(resized)) == 0.0:
        raise DamagedDataError(
            f"{stored.origin}: {columns}x{rows} px: constant at the picture's {width}x{height} px: expected a map that "
            "varies by more than single pixels"
        )
    return DepthMap(resized, stored.is_metric, f"{stored.origin}, from {columns}x{rows} px")


def _estimated(pixels: NDArray[np.float32], model: str, device: str) -> DepthMap:
    from ..datasets.pairs.estimate_disparity import DepthAnything

    # The device is the renderer's, whose process may be another, with a torch of its own.
    estimator = DepthAnything(model, device if torch.cuda.is_available() else "cpu")
    disparity = np.ascontiguousarray(estimator.estimate([pixels])[0], np.float32)
    if not np.isfinite(disparity).all() or float(np.ptp(disparity)) == 0.0:
        raise InvalidOptionError(f"--model {model}: returned a map that is constant or not finite: use another")
    return DepthMap(disparity, estimator.kind == "metric", f"an estimate of {model}")
