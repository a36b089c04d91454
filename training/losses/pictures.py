"""What a rendered picture is compared by, beside the squared error: edges, and LPIPS as a loss.

API: ``EdgeLoss(profile)(predicted, target, image)``, ``PerceptualLoss(network, folder)(predicted, target)``.
Pictures are (B,3,H,W), display-encoded, [0,1] (a prediction may leave the range). Losses are scalars, computed in
float32 at least, whatever autocast says.
"""

from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...benchmarks.metrics.perceptual import LPIPS_TRUNKS, build_lpips
from ...core.errors import InvalidOptionError, MissingWeightsError

SCALES = (1, 2, 3)
SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))
EDGE_PROFILES = ("paper", "code")


class EdgeLoss(nn.Module):
    """Difference of gradients at three scales, weighted by the edges of the target and of the all-in-focus picture.

    - ``paper``: sum over l of 1/l^2 * | (grad_l I^ - grad_l I_b) * max(|grad_l I_b|, |grad_l I_f|) |_1. The paper's
      "Sobel of size l" is taken as Sobel's 3x3 integer kernel with its taps l px apart: a ramp answers l times as
      strongly, in both factors, which 1/l^2 makes up for. Only where the kernel lies inside the picture.
    - ``code``: the released code's: forward differences of the pictures, shrunk by area to 1/l; the weight is
      1 + max(...), and 1/l replaces 1/l^2.

    |.|_1 is the sum over both directions, and the mean over pixels, channels and batch.
    Source: BokehDiff, Eq. 10, and its released code.
    """

    def __init__(self, profile: str = "paper"):
        super().__init__()
        if profile not in EDGE_PROFILES:
            raise InvalidOptionError(f"profile: expected {' or '.join(EDGE_PROFILES)}, got '{profile}'")
        self._profile = profile

    def forward(self, predicted: Tensor, target: Tensor, image: Tensor) -> Tensor:
        """Compare I^ with I_b; ``image`` is the all-in-focus I_f. All (B,3,H,W), of 7 px or more on a side."""
        if not predicted.shape == target.shape == image.shape or min(predicted.shape[-2:]) < 2 * SCALES[-1] + 1:
            shapes = ", ".join(str(tuple(x.shape)) for x in (predicted, target, image))
            raise ValueError(f"edge loss: expected three (B,3,H,W) of one shape, 7 px or more on a side, got {shapes}")
        with torch.autocast(predicted.device.type, enabled=False):
            predicted, target, image = (_at_least_float32(x) for x in (predicted, target, image))
            return torch.stack([self._compare(predicted, target, image, scale) for scale in SCALES]).sum()

    def _compare(self, predicted: Tensor, target: Tensor, image: Tensor, scale: int) -> Tensor:
        gradients = sobel_gradients if self._profile == "paper" else resized_differences
        total = predicted.new_zeros(())
        for of_predicted, of_target, of_image in zip(
            gradients(predicted, scale), gradients(target, scale), gradients(image, scale), strict=True
        ):
            weight = torch.maximum(of_target.abs(), of_image.abs())
            if self._profile == "code":
                weight = 1.0 + weight
            total = total + ((of_predicted - of_target).abs() * weight).mean()
        return total / (scale**2 if self._profile == "paper" else scale)


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


def sobel_gradients(picture: Tensor, scale: int) -> tuple[Tensor, Tensor]:
    """Return Sobel's answers along x and y, (B,C,H-2*scale,W-2*scale) each, its taps ``scale`` px apart.

    A ramp that grows by 1 per px answers with 8 * scale.
    """
    channels = picture.shape[1]
    kernel = picture.new_tensor(SOBEL)
    along_x, along_y = (
        F.conv2d(picture, k.expand(channels, 1, 3, 3), dilation=scale, groups=channels) for k in (kernel, kernel.T)
    )
    return along_x, along_y


def resized_differences(picture: Tensor, scale: int) -> tuple[Tensor, Tensor]:
    """Return forward differences along x and y of the picture shrunk by area to 1/``scale``."""
    rows, columns = picture.shape[-2] // scale, picture.shape[-1] // scale
    small = F.interpolate(picture, (rows, columns), mode="area")
    return small[..., :, 1:] - small[..., :, :-1], small[..., 1:, :] - small[..., :-1, :]


def _at_least_float32(picture: Tensor) -> Tensor:
    return picture.to(torch.promote_types(picture.dtype, torch.float32))
