"""Edges of a rendered picture against those of the target, as a loss.

API: ``EdgeLoss(profile)(predicted, target, image)``. Pictures are (B,3,H,W), display-encoded, [0,1] (a prediction may
leave the range). The loss is a scalar, computed in float32 at least, whatever autocast says.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...core.errors import InvalidOptionError

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
