"""What generated scenes are expected to look like: coarse statistics that survive another processor's rounding."""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from ...core.records import read_record
from ...core.scene import Scene

CELLS_A_SIDE = 4
TOLERANCES = {
    "image_mean": 0.004,
    "image_std": 0.006,
    "target_mean": 0.004,
    "target_std": 0.006,
    "disparity_mean": 0.004,
    "focus_disparity": 0.002,
    "blur_strength": 0.3,
}
"""Largest accepted absolute difference of each statistic; pictures are in [0,1], blur strength in px per disparity."""

DIGITS = 4


class SceneSummary(TypedDict):
    """What is expected of one scene; statistics are rounded, cells row by row."""

    parameters: str
    size: list[int]
    image_mean: list[float]
    image_std: list[float]
    target_mean: list[float]
    target_std: list[float]
    disparity_mean: list[float]
    focus_disparity: float
    blur_strength: float


class Manifest(TypedDict):
    """A committed manifest: a data set's version and its scenes by name."""

    version: str
    scenes: dict[str, SceneSummary]


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a committed manifest. Raises DamagedRecordError naming the file."""
    return dict(read_record(Manifest, path, "a manifest of generated scenes"))


def summarise(scene: Scene, grid: int = CELLS_A_SIDE) -> dict[str, Any]:
    """Return mean and standard deviation per channel on ``grid`` x ``grid`` cells, mean disparity, and the lens."""
    if scene.target is None:
        raise ValueError(f"scene '{scene.name}' has no target to summarise")
    image_mean, image_std = _grid(scene.image, grid)
    target_mean, target_std = _grid(scene.target, grid)
    return {
        "size": [scene.height, scene.width],
        "image_mean": image_mean,
        "image_std": image_std,
        "target_mean": target_mean,
        "target_std": target_std,
        "disparity_mean": _grid(scene.disparity, grid)[0],
        "focus_disparity": round(scene.focus_disparity, DIGITS),
        "blur_strength": round(scene.blur_strength, DIGITS),
    }


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Compare two manifests; return one line per difference beyond the tolerances, none where they agree."""
    problems = []
    if expected["version"] != found["version"]:
        problems.append(f"version: expected {expected['version']}, found {found['version']}")
    if list(expected["scenes"]) != list(found["scenes"]):
        problems.append(f"scenes: expected {list(expected['scenes'])}, found {list(found['scenes'])}")
    for name in expected["scenes"].keys() & found["scenes"].keys():
        problems += [f"{name}: {p}" for p in _scene_differences(expected["scenes"][name], found["scenes"][name])]
    return sorted(problems)


def _scene_differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    problems = [
        f"{key}: expected {expected[key]}, found {found[key]}"
        for key in ("parameters", "size")
        if expected[key] != found[key]
    ]
    for key, tolerance in TOLERANCES.items():
        wanted, got = torch.tensor(expected[key]), torch.tensor(found[key])
        if wanted.shape != got.shape:
            problems.append(f"{key}: expected {wanted.numel()} values, found {got.numel()}")
            continue
        gap = (wanted - got).abs().max()
        if not float(gap) <= tolerance:
            problems.append(f"{key}: differs by {float(gap):.4g}, accepted {tolerance}")
    return problems


def _grid(picture: Tensor, cells: int) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation of each channel in each of ``cells`` x ``cells`` cells, rounded."""
    mean = F.adaptive_avg_pool2d(picture.double()[None], cells)
    square = F.adaptive_avg_pool2d(picture.double()[None] ** 2, cells)
    std = (square - mean**2).clamp(min=0.0).sqrt()
    return [round(v, DIGITS) for v in mean.flatten().tolist()], [round(v, DIGITS) for v in std.flatten().tolist()]
