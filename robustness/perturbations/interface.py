"""What a perturbation of disparity is to the harness."""

import dataclasses
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.errors import InvalidOptionError
from ...core.scene import Scene

Map = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """An error of disparity maps with a severity.

    ``change(disparity, severity, rng)`` takes and returns an (H,W) float32 map, larger = nearer; ``unit`` is the
    severity's, ``severities`` the default grid, ``maximum`` the largest that means something, ``signed`` whether values
    below 0 do, ``whole`` whether only whole numbers do.

    Severity 0 is the identity, and the result stays within the range of the input. The scene keeps its focus disparity:
    the photographer focused on the scene, not on the estimate.
    """

    name: str
    unit: str
    severities: tuple[float, ...]
    change: Callable[[Map, float, np.random.Generator], Map]
    maximum: float
    signed: bool = False
    whole: bool = False

    def check(self, severity: float) -> None:
        """Raise InvalidOptionError for a severity that means nothing here."""
        lowest = -self.maximum if self.signed else 0.0
        kind = "a whole number" if self.whole else "a number"
        if not lowest <= severity <= self.maximum or (self.whole and severity != int(severity)):
            allowed = f"{kind} in [{lowest:g}, {self.maximum:g}] {self.unit}"
            raise InvalidOptionError(f"perturbation {self.name}: expected {allowed}, got {severity:g}")

    def apply(self, scene: Scene, severity: float, seed: int = 0) -> Scene:
        """Return the scene with its disparity perturbed; the same scene name, severity and seed give the same map."""
        self.check(severity)
        if severity == 0:
            return scene
        disparity = scene.disparity[0].numpy()
        rng = np.random.default_rng([zlib.crc32(scene.name.encode()), zlib.crc32(self.name.encode()), seed])
        changed = self.change(disparity.copy(), severity, rng)
        changed = np.clip(changed, disparity.min(), disparity.max()).astype(np.float32)
        return dataclasses.replace(scene, disparity=torch.from_numpy(changed)[None])
