"""The two images that a metric compares."""

import torch
from torch import Tensor

from ...renderers.errors import InvalidOutputError, InvalidSceneError
from ...renderers.interface import Scene


def quantise(image: Tensor) -> Tensor:
    """Round an image to the 256 levels of an 8-bit file: any shape, display-encoded; values outside [0,1] are clipped.

    Changes nothing in an image read from such a file.
    """
    return image.clamp(0.0, 1.0).mul_(255.0).round_().div_(255.0)


def image_pair(prediction: Tensor, scene: Scene, device: str | torch.device = "cpu") -> tuple[Tensor, Tensor]:
    """Return prediction and target as every metric sees them: (3,H,W) float32, display-encoded, [0,1], 8-bit values.

    Raises InvalidSceneError where the scene has no target, InvalidOutputError where the shapes differ.
    """
    if scene.target is None:
        raise InvalidSceneError(f"scene '{scene.name}': it has no target, so nothing to compare with: do not score it")
    if prediction.shape != scene.target.shape:
        expected, got = tuple(scene.target.shape), tuple(prediction.shape)
        raise InvalidOutputError(f"prediction of '{scene.name}': expected {expected} like its target, got {got}")
    return (
        quantise(prediction.to(device=device, dtype=torch.float32)),
        quantise(scene.target.to(device=device, dtype=torch.float32)),
    )
