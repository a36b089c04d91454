"""Where the disparity of a photograph comes from: a file, the photograph itself, or a network's estimate."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..core.errors import DamagedDataError, InvalidOptionError
from ..datasets.files.maps import SAME_SHAPE, read_depth, read_disparity, read_embedded_disparity

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


def find_depth(path: Path | None, pixels: NDArray[np.float32], source: DepthSource, device: str) -> DepthMap:
    """Return the map of a photograph (H,W,3), at its size.

    Raises InvalidOptionError where there is none, MissingDataError and MissingWeightsError as the readers do.
    """
    if source.disparity is not None:
        return _fitted(source.disparity, lambda file: read_disparity(file), pixels, False)
    if source.depth is not None:
        return _fitted(source.depth, lambda file: read_depth(file, source.unit, source.ray_fov), pixels, True)
    if source.estimate:
        return _estimated(pixels, source.model, device)
    found = None if path is None else read_embedded_disparity(path, *pixels.shape[:2], source.ray_fov)
    if found is None:
        raise InvalidOptionError(
            f"{path or 'the picture'}: carries no depth map: give one with --disparity FILE, take a portrait photograph"
            " (HEIC, or JPEG with GDepth), or let a network guess one with --estimate"
        )
    return DepthMap(*found, f"the map that {path.name if path else 'it'} carries")


def _fitted(
    file: Path, read: Callable[[Path], NDArray[np.float32]], pixels: NDArray[np.float32], is_metric: bool
) -> DepthMap:
    """Read a map and bring it to the picture's size. Raises DamagedDataError for one of another shape."""
    values, (height, width) = read(file), pixels.shape[:2]
    rows, columns = values.shape
    if (rows, columns) == (height, width):
        return DepthMap(values, is_metric, file.name)
    if abs(columns * height / (rows * width) - 1.0) > SAME_SHAPE:
        raise DamagedDataError(
            f"{file}: {columns}x{rows} px: expected the shape of the upright picture, {width}x{height} px"
        )
    resized = np.asarray(cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return DepthMap(resized, is_metric, f"{file.name}, from {columns}x{rows} px")


def _estimated(pixels: NDArray[np.float32], model: str, device: str) -> DepthMap:
    from ..datasets.pairs.estimate_disparity import DepthAnything

    estimator = DepthAnything(model, device)
    disparity = np.ascontiguousarray(estimator.estimate([pixels])[0], np.float32)
    if not np.isfinite(disparity).all() or float(np.ptp(disparity)) == 0.0:
        raise InvalidOptionError(f"--model {model}: returned a map that is constant or not finite: use another")
    return DepthMap(disparity, estimator.kind == "metric", f"an estimate of {model}")
