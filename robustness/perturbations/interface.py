"""What a perturbation of a renderer's inputs is to the harness."""

import dataclasses
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.errors import InvalidOptionError, PluginError
from ...core.scene import Scene
from ...datasets.low_quality.steps import Picture, random_stream

Map = NDArray[np.float32]

MARKS = (-8.0, 8.0)
"""The paper reads its curves at 8 px to either side; axes without them are read at their ends."""


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """An error of what renderers are given, with a severity: of the disparity, of the picture, or of both.

    - ``change_disparity(disparity, severity, rng)`` takes and returns an (H,W) float32 map, larger = nearer; what
      leaves the range of the true map is clipped.
    - ``change_picture(picture, severity, rng)`` takes and returns (H,W,3) float32, display-encoded, clipped to [0,1].
      Two perturbations with the same function give a scene the same picture.
    - ``unit`` is the severity's, ``severities`` the default grid, ``neutral`` the one that leaves the scene as it is,
      ``maximum`` the largest that means something, ``signed`` whether values below 0 do, ``whole`` whether only whole
      numbers do, ``marks`` those at which the report reads the drop, where they were swept; else at the ends.
    - ``directions``: what severities below 0 and above 0 do, in a few words each, where both mean something.

    The scene keeps its focus disparity, blur strength and size: the photographer focused on the scene, not on the
    estimate, and the ground truth stays what it is. Raises PluginError for one that changes nothing.
    """

    name: str
    unit: str
    severities: tuple[float, ...]
    maximum: float
    change_disparity: Callable[[Map, float, np.random.Generator], Map] | None = None
    change_picture: Callable[[Picture, float, np.random.Generator], Picture] | None = None
    neutral: float = 0.0
    signed: bool = False
    whole: bool = False
    marks: tuple[float, ...] = MARKS
    directions: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if not self.changes:
            raise PluginError(f"perturbation {self.name}: changes nothing: give it change_disparity or change_picture")

    @property
    def changes(self) -> frozenset[str]:
        """Which of the inputs that renderers name are changed (core.scene, ``INPUT_FIELDS``)."""
        functions = {"disparity": self.change_disparity, "picture": self.change_picture}
        return frozenset(word for word, function in functions.items() if function)

    @property
    def label(self) -> str:
        """Its name with the unit of its severities, as axes and captions have it."""
        return f"{self.name} ({self.unit})"

    def check(self, severity: float) -> None:
        """Raise InvalidOptionError for a severity that means nothing here."""
        lowest = -self.maximum if self.signed else self.neutral
        kind = "a whole number" if self.whole else "a number"
        if not lowest <= severity <= self.maximum or (self.whole and severity != int(severity)):
            allowed = f"{kind} in [{lowest:g}, {self.maximum:g}] {self.unit}"
            raise InvalidOptionError(f"perturbation {self.name}: expected {allowed}, got {severity:.12g}")

    def apply(self, scene: Scene, severity: float, seed: int = 0) -> Scene:
        """Return the scene perturbed; the same scene name, severity and seed give the same picture and map."""
        self.check(severity)
        if severity == self.neutral:
            return scene
        changed: dict[str, Any] = {}
        if self.change_disparity:
            changed["disparity"] = self._perturb_disparity(scene, severity, seed)
        if self.change_picture:
            changed["image"] = self._perturb_picture(scene, severity, seed)
        return dataclasses.replace(scene, **changed)

    def _perturb_disparity(self, scene: Scene, severity: float, seed: int) -> torch.Tensor:
        assert self.change_disparity is not None  # noqa: S101
        disparity = scene.disparity[0].numpy()
        rng = np.random.default_rng([zlib.crc32(scene.name.encode()), zlib.crc32(self.name.encode()), seed])
        changed = self.change_disparity(disparity.copy(), severity, rng)
        return torch.from_numpy(np.clip(changed, disparity.min(), disparity.max()).astype(np.float32))[None]

    def _perturb_picture(self, scene: Scene, severity: float, seed: int) -> torch.Tensor:
        assert self.change_picture is not None  # noqa: S101
        picture = scene.image.permute(1, 2, 0).contiguous().clone().numpy()
        changed = self.change_picture(picture, severity, random_stream(scene.name, severity, seed))
        return torch.from_numpy(np.clip(changed, 0.0, 1.0).astype(np.float32)).permute(2, 0, 1).contiguous()
