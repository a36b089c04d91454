"""What a model is told of a scene beside the picture: a disparity with errors, a base renderer's picture from it."""

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...core.scene import Scene
from ...datasets.synthetic.training_scenes import SynthesisSettings
from ...renderers.interface import Renderer
from ...renderers.registry import load_renderer
from .disparity_errors import DisparityErrors

ERROR_STREAM = 104729
"""Keeps the errors' random numbers apart from the scene's own."""


def describe_scenes(settings: SynthesisSettings, errors: DisparityErrors | None, base: str | None) -> dict[str, Any]:
    """Return everything that decides samples, to keep with them."""
    return {
        **dataclasses.asdict(settings),
        "errors": None if errors is None else dataclasses.asdict(errors),
        "base": base,
    }


class ToldScenes(Dataset[dict[str, Tensor]]):
    """Adds to another data set's samples what is told of them.

    ``disparity`` becomes the one with ``errors`` (None: stays true); ``base`` (3,H,W) is what the renderer ``base``
    makes of the picture with that disparity, if one is named. Deterministic per seed and index.
    """

    def __init__(self, scenes: Dataset[dict[str, Tensor]], errors: DisparityErrors | None, base: str | None, seed: int):
        self._scenes = scenes
        self._errors = errors
        self._seed = seed
        self._base_name = base
        self._base: Renderer | None = None

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return sample ``index`` with what is told of it."""
        sample = dict(self._scenes[index])
        if self._errors is not None:
            rng = np.random.Generator(np.random.PCG64([ERROR_STREAM, self._seed, index]))
            sample["disparity"] = torch.from_numpy(self._errors.apply(sample["disparity"][0].numpy(), rng))[None]
        if self._base_name is not None:
            sample["base"] = self._render_base(self._base_name, sample)
        return sample

    def _render_base(self, name: str, sample: dict[str, Tensor]) -> Tensor:
        if self._base is None:  # in the process that uses it
            self._base = load_renderer(name)
            self._base.prepare("cpu", torch.float32)
        scene = Scene(
            name=f"training-{int(sample['index'])}",
            image=sample["image"],
            disparity=sample["disparity"],
            focus_disparity=float(sample["focus_disparity"]),
            blur_strength=float(sample["blur_strength"]),
        )
        return self._base.render(scene, seed=0)
