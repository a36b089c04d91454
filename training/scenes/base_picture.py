"""What another renderer makes of a sample, for models that start from its picture."""

from dataclasses import dataclass
from typing import Any

import torch

from ...core.scene import Scene
from ...renderers.interface import Renderer
from ...renderers.registry import load_renderer
from .sample import TrainingSample


@dataclass
class BasePicture:
    """A ``Degradation`` that adds ``base``: what the renderer ``name`` makes of the sample as it stands."""

    name: str

    def __post_init__(self) -> None:
        self._renderer: Renderer | None = None

    def identity(self) -> dict[str, Any]:
        """Return the renderer's name."""
        return {"base": self.name}

    def degrade(self, sample: TrainingSample, seed: int) -> TrainingSample:
        """Return the sample with ``base`` (3,H,W)."""
        if self._renderer is None:  # in the process that uses it
            self._renderer = load_renderer(self.name)
            self._renderer.prepare("cpu", torch.float32)
        scene = Scene(
            name=f"training-{int(sample['index'])}",
            image=sample["image"],
            disparity=sample["disparity"],
            focus_disparity=float(sample["focus_disparity"]),
            blur_strength=float(sample["blur_strength"]),
        )
        return {**sample, "base": self._renderer.render(scene, seed=0)}
