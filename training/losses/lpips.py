"""LPIPS as a loss.

API: ``PerceptualLoss(network, folder)(predicted, target)``. Pictures are (B,3,H,W), display-encoded, [0,1] (a
prediction may leave the range). The loss is a scalar, computed in float32, whatever autocast says.
"""

from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...benchmarks.metrics.perceptual import LPIPS_TRUNKS, build_lpips
from ...core.errors import InvalidOptionError, MissingWeightsError


class PerceptualLoss(nn.Module):
    """LPIPS 0.1 on VGG-16 (``vgg``) or AlexNet (``alex``) as a loss; its network is frozen and stays in eval mode.

    The value is the metric's. The gradient is not the lpips package's, which is NaN where all features of a pixel are 0
    (its issues 69 and 121), but that of torch's own normalisation, 0 there.
    ``folder``: where the feature weights are looked for first, see ``benchmarks.metrics.weights.read_weights``.
    Raises MissingWeightsError where they cannot be had, InvalidOptionError for a folder that is none.
    """

    def __init__(self, network: str = "vgg", folder: str | Path | None = None):
        super().__init__()
        if folder is not None and not Path(folder).is_dir():
            raise InvalidOptionError(
                f"losses.perceptual_weights: expected a folder of weights, got '{folder}': there is no such folder"
            )
        try:
            lpips = build_lpips(network, f"the loss term lpips ({network})", None if folder is None else Path(folder))
        except MissingWeightsError as error:
            raise MissingWeightsError(
                f"{error}; 'losses.perceptual_weights' in the configuration names such a folder too, and"
                " 'losses.lpips: 0' trains without this term"
            ) from error
        self._lpips: Any = lpips.requires_grad_(False).eval()
        _, self._architecture, self._least_size_px = LPIPS_TRUNKS[network]

    def train(self, mode: bool = True) -> Self:
        """Change nothing but the flag: the network's heads have a dropout, which is not part of the distance."""
        super().train(mode)
        self._lpips.eval()
        return self

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Return the mean distance over the batch; pictures (B,3,H,W).

        Raises InvalidOptionError for pictures that are smaller than what the network's strides leave something of.
        """
        if min(predicted.shape[-2:]) < self._least_size_px:
            raise InvalidOptionError(
                f"data.crop_px: expected {self._least_size_px} or more for LPIPS on {self._architecture}, got pictures"
                f" of {predicted.shape[-1]} x {predicted.shape[-2]} px: raise it, or set 'losses.lpips: 0'"
            )
        with torch.autocast(predicted.device.type, enabled=False):
            of_predicted, of_target = (self._features(x.float()) for x in (predicted, target))
            levels = zip(self._lpips.lins, of_predicted, of_target, strict=True)
            return torch.stack([head((a - b).square()).mean() for head, a, b in levels]).sum()

    def _features(self, picture: Tensor) -> list[Tensor]:
        """Return each level's features (B,C,h,w), of unit length in C at every pixel."""
        features = self._lpips.net(self._lpips.scaling_layer(2.0 * picture - 1.0))
        return [F.normalize(level, dim=1, eps=1e-10) for level in features]
