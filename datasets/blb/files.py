"""One scene folder in the layout of BLB (BokehMe's Blender scenes), which our path-traced scenes share.

A folder named by a number holds ``image.exr`` (all in focus), ``depth.exr`` (along the optical axis),
``bokeh_<level>_<focus>.exr`` and ``info.json``. Colours are linear light and may exceed 1.
Convention: signed defocus = blur_parameters[level] * (1 / depth - 1 / focus_distances[focus]) px, disparity = 1/depth.
Source: BokehMe (CVPR 2022), the data set's README.
"""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.documents import read_mapping
from ...core.errors import DamagedDataError, InvalidOptionError, MissingDataError
from ...core.optics import GAMMA
from ...core.scene import Scene
from ..files.exr import read_exr
from ..files.pictures import as_tensor
from ..files.problems import check_finite, check_size

INFO = "info.json"


def read_info(folder: Path) -> dict[str, Any]:
    """Return ``info.json``; keys that no scene needs may be there or not.

    Raises MissingDataError where it is absent, DamagedDataError where it lacks what a scene needs.
    """
    path = folder / INFO
    if not os.path.lexists(path):
        raise MissingDataError(f"{path}: expected the scene's description, found none")
    info = read_mapping(path, "the scene's description")
    for key in ("focus_distances", "blur_parameters"):
        values = info.get(key)
        if not isinstance(values, list):
            raise DamagedDataError(f"{path}: expected a list '{key}', the file has {', '.join(info) or 'nothing'}")
        if not all(_is_positive(value) for value in values):
            raise DamagedDataError(f"{path}: '{key}': expected numbers > 0, got {values}")
    return info


def scene_files(folder: Path, level: int, focus: int) -> dict[str, Path]:
    """Return the files that one picture of a scene folder needs; ``level``, ``focus``: the numbers in a file's name."""
    target = folder / f"bokeh_{level:02d}_{focus:02d}.exr"
    return {"image": folder / "image.exr", "depth": folder / "depth.exr", "target": target, INFO: folder / INFO}


def read_blb_scene(folder: Path, level: int, focus: int) -> Scene:
    """Read one picture of a scene folder, its ground truth included; display-encoded with gamma 2.2, not clipped.

    ``level``, ``focus``: the numbers in the file's name, from 0. Raises InvalidOptionError for a level or focus that
    the description lacks, MissingDataError for an absent file and DamagedDataError for one that is no such picture.
    """
    info = read_info(folder)
    levels, distances = info["blur_parameters"], info["focus_distances"]
    if not (0 <= level < len(levels) and 0 <= focus < len(distances)):
        raise InvalidOptionError(
            f"{folder / INFO}: expected level < {len(levels)} (blur_parameters) and focus < {len(distances)} "
            f"(focus_distances), got {level} and {focus}"
        )
    files = scene_files(folder, level, focus)
    image_path, target_path = files["image"], files["target"]
    image, target, depth = read_colour(image_path), read_colour(target_path), read_depth(files["depth"])
    _check_resolution(folder, info, image)
    check_size(files["depth"], depth, image_path, image)
    check_size(target_path, target, image_path, image)
    return Scene(
        name=f"{folder.name}-{level:02d}-{focus:02d}",
        image=_encode(image),
        disparity=torch.from_numpy(1.0 / depth)[None],
        focus_disparity=1.0 / float(distances[focus]),
        blur_strength=float(levels[level]),
        gamma=GAMMA,
        target=_encode(target),
        one_of_several=len(levels) * len(distances) > 1,
    )


def read_colour(path: Path) -> NDArray[np.float32]:
    """Return (H,W,3) float32, linear. Raises MissingDataError, DamagedDataError."""
    picture = read_exr(path)
    if picture.shape[2] != 3:
        raise DamagedDataError(f"{path}: expected the channels R, G, B, got {picture.shape[2]}")
    check_finite(path, picture, "get the file again")
    return picture


def read_depth(path: Path) -> NDArray[np.float32]:
    """Return (H,W) float32, > 0, from one channel or three equal ones. Raises MissingDataError, DamagedDataError."""
    channels = read_exr(path, "depth")
    if channels.shape[2] != 1 and float(np.ptp(channels, axis=2).max()) > 0.0:
        raise DamagedDataError(f"{path}: expected depth, got {channels.shape[2]} channels that differ")
    depth = np.ascontiguousarray(channels[..., 0])
    check_finite(path, depth, "get the file again")
    if not bool((depth > 0.0).all()):
        raise DamagedDataError(f"{path}: expected depths > 0, the least is {float(depth.min()):g}")
    if float(depth.min()) == float(depth.max()):
        raise DamagedDataError(f"{path}: every depth is {float(depth.min()):g}: expected a scene with several")
    return depth


def _check_resolution(folder: Path, info: dict[str, Any], image: NDArray[np.float32]) -> None:
    """The blur parameters are in px of the described resolution: resampled pictures would get another blur."""
    described = (info.get("resolution_y", image.shape[0]), info.get("resolution_x", image.shape[1]))
    if described != image.shape[:2]:
        raise DamagedDataError(
            f"{folder / 'image.exr'}: {image.shape[1]}x{image.shape[0]} px, {INFO} says {described[1]}x{described[0]}: "
            "use the pictures as they were published"
        )


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 < value < math.inf


def _encode(linear: NDArray[np.float32]) -> torch.Tensor:
    return as_tensor(np.maximum(linear, 0.0) ** np.float32(1.0 / GAMMA))
