"""What both stages share: their scenes, their defocus, and the picture that stage 1 renders."""

from abc import abstractmethod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...core.optics import signed_defocus
from ...renderers.defocus_to_focus.halving import halve
from ...renderers.defocus_to_focus.layered import render_weighted
from ...renderers.defocus_to_focus.layering import Layering
from ...renderers.defocus_to_focus.parts import Parts, layering_for
from ...renderers.defocus_to_focus.radiance import raise_saturated
from ...renderers.defocus_to_focus.weight_files import raises_saturated
from ..engine.config import RunConfig
from ..engine.task import Batch, Task
from ..scenes.degraded import identity_of_scenes
from ..scenes.shards import StoredScenes
from .config import DefocusConfig, FusionConfig, HabitData
from .habit_scenes import HabitScenes
from .radiance_start import start_at_linear_light


class Stage(Task):
    """Scenes by the habit, and the three networks, of which a stage trains some."""

    def __init__(self, config: DefocusConfig | FusionConfig, run: RunConfig):
        super().__init__()
        self._config, self._run = config, run
        torch.manual_seed(run.seed)
        if config.start is None:
            self.parts = Parts.compact()
            start_at_linear_light(self.parts.radiance, run.seed)
        else:
            self.parts = Parts.read(config.start)
        self._dataset = open_habit(config.data)

    def dataset(self) -> Dataset[Any]:
        """Return the scenes that ``data`` names."""
        return self._dataset

    def validation_dataset(self) -> Dataset[Any] | None:
        """Return the scenes of ``data.validation``."""
        settings = self._config.data.validation
        return None if settings is None else HabitScenes(settings)

    def identity(self) -> dict[str, Any]:
        """Return the model's configuration."""
        return self._config.identity()

    def save(self, folder: Path) -> None:
        """Write what ``defocus-to-focus@FOLDER`` reads."""
        self.parts.save(folder, self._config.profile)

    @abstractmethod
    def render(self, sample: Batch) -> tuple[Tensor, Tensor]:
        """Return picture and truth."""

    def render_small(self, image: Tensor, defocus: Tensor, hardness: float) -> Tensor:
        """Return the blurred picture at half the size, (B,3,h,w), as the paper's first stage makes it."""
        small, layering = halve(image, 1), layering_for(halve(image, 1), hardness=hardness)
        return self.blur(small, halve(defocus, 1), layering)

    def blur(self, image: Tensor, defocus: Tensor, layering: Layering) -> Tensor:
        """Return the picture blurred by its layers, pixels weighed by the radiance network."""
        weight = self.parts.radiance(image)
        if raises_saturated(self._config.profile):
            weight = raise_saturated(weight, image)
        return render_weighted(image, weight, defocus, layering)


def size_of(image: Tensor) -> tuple[int, int]:
    """Return rows and columns of pictures (B,C,H,W)."""
    return image.shape[-2], image.shape[-1]


def true_defocus(batch: Batch) -> Tensor:
    """Return the normalised defocus (B,1,H,W), [0,1], that the layers need for a batch's true radii."""
    focus, strength = batch["focus_disparity"], batch["blur_strength"]
    radius_px = signed_defocus(batch["disparity"], focus[:, None, None, None], strength[:, None, None, None])
    return layering_for(batch["image"]).defocus_of(radius_px.abs()).clamp(max=1.0)


def open_habit(data: HabitData) -> Dataset[Any]:
    """Return the samples of ``data``, stored or drawn.

    Raises MissingDataError where nothing is stored, InvalidOptionError where it was stored with other settings.
    """
    if data.stored is not None:
        return StoredScenes(Path(data.stored), data.count, identity_of_scenes(data.scenes))
    return HabitScenes(data.scenes)
