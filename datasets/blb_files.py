"""One scene folder in the layout of BLB (BokehMe's Blender scenes), which our path-traced scenes share.

A folder named by a number holds ``image.exr`` (all in focus), ``depth.exr`` (along the optical axis),
``bokeh_<level>_<focus>.exr`` and ``info.json``. Colours are linear light and may exceed 1.
Convention: signed defocus = blur_parameters[level] * (1 / depth - 1 / focus_distances[focus]) px, disparity = 1/depth.
Source: BokehMe (CVPR 2022), the data set's README.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..renderers.errors import InvalidOptionError, MissingDataError
from ..renderers.interface import Scene
from .exr import read_exr

GAMMA = 2.2


def read_info(folder: Path) -> dict[str, Any]:
    """Return ``info.json``; raises MissingDataError where it is absent or lacks what a scene needs."""
    path = folder / "info.json"
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise MissingDataError(f"{path}: expected the scene's description: {error}") from error
    for key in ("focus_distances", "blur_parameters"):
        if not isinstance(info.get(key), list):
            raise MissingDataError(f"{path}: expected a list '{key}', the file has {', '.join(info)}")
    return info


def read_blb_scene(folder: Path, level: int, focus: int) -> Scene:
    """Read one picture of a scene folder, its ground truth included; display-encoded with gamma 2.2, not clipped.

    Raises InvalidOptionError for a level or focus that the folder lacks, MissingDataError for absent or damaged files.
    """
    info = read_info(folder)
    levels, distances = info["blur_parameters"], info["focus_distances"]
    if not (0 <= level < len(levels) and 0 <= focus < len(distances)):
        raise InvalidOptionError(
            f"{folder}: expected level < {len(levels)} and focus < {len(distances)}, got {level} and {focus}"
        )
    depth = read_exr(folder / "depth.exr")[..., 0]
    if not bool((depth > 0.0).all()):
        raise MissingDataError(f"{folder / 'depth.exr'}: expected depths > 0, the least is {float(depth.min()):g}")
    return Scene(
        name=f"{folder.name}-{level:02d}-{focus:02d}",
        image=_encode(read_exr(folder / "image.exr")),
        disparity=torch.from_numpy(1.0 / depth)[None],
        focus_disparity=1.0 / float(distances[focus]),
        blur_strength=float(levels[level]),
        gamma=GAMMA,
        target=_encode(read_exr(folder / f"bokeh_{level:02d}_{focus:02d}.exr")),
    )


def _encode(linear: np.ndarray) -> torch.Tensor:
    encoded = np.maximum(linear, 0.0) ** np.float32(1.0 / GAMMA)
    return torch.from_numpy(np.ascontiguousarray(encoded.transpose(2, 0, 1)))
