"""What metrics compare: a picture and its scene's target, with what several of them derive from the two."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import torch
from torch import Tensor

from ...core.errors import InvalidOutputError, InvalidSceneError
from ...core.files import quantise
from ...core.scene import Scene

Region = tuple[Tensor, int]
"""Pixels, (H,W) bool, and how many they are."""


class Target:
    """A scene as metrics see it. What they derive from it is found once and kept as long as this is.

    ``image``: its target, (3,H,W) float32 on the CPU, contiguous, display-encoded, [0,1], 8-bit values. Raises
    InvalidSceneError where the scene has none.
    """

    def __init__(self, scene: Scene):
        if scene.target is None:
            raise InvalidSceneError(
                f"scene '{scene.name}': it has no target, so nothing to compare with: do not score it"
            )
        self.original = scene
        self.image = quantise(scene.target.to("cpu", torch.float32)).contiguous()
        self._regions: dict[tuple[Callable[[Tensor], Tensor], torch.device], Region] = {}

    @cached_property
    def scene(self) -> Scene:
        """The scene with its 8-bit target."""
        return replace(self.original, target=self.image)

    def region(self, find: Callable[[Tensor], Tensor], device: torch.device) -> Region:
        """Return the target's pixels that ``find`` chooses by their defocus, (1,H,W) in px of the target -> (H,W) bool.

        Their number comes with them.
        """
        if (find, device) not in self._regions:
            pixels = find(self.original.render_defocus)
            self._regions[find, device] = pixels.to(device), int(pixels.sum())
        return self._regions[find, device]


class Comparison:
    """A picture beside its target, which several metrics compare.

    ``image``: (3,H,W) float32 on the CPU, contiguous, display-encoded, [0,1], 8-bit values. Raises InvalidOutputError
    where the shapes differ.
    """

    def __init__(self, prediction: Tensor, target: Target):
        if prediction.shape != target.image.shape:
            expected, got = tuple(target.image.shape), tuple(prediction.shape)
            raise InvalidOutputError(
                f"prediction of '{target.original.name}': expected {expected} like its target, got {got}"
            )
        self.image = quantise(prediction.to("cpu", torch.float32)).contiguous()
        self.target = target
        self._on: dict[torch.device, tuple[Tensor, Tensor]] = {}
        self._squared_errors: dict[torch.device, Tensor] = {}

    def on(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return image and target on ``device``."""
        if device not in self._on:
            self._on[device] = self.image.to(device), self.target.image.to(device)
        return self._on[device]

    def squared_error(self, device: torch.device) -> Tensor:
        """Return the mean over the channels of each pixel's squared error, (H,W)."""
        if device not in self._squared_errors:
            image, target = self.on(device)
            self._squared_errors[device] = (image - target).square_().mean(dim=0)
        return self._squared_errors[device]
