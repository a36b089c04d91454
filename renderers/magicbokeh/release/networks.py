"""Stable Diffusion's U-Net without cross-attention and middle block, and the branch that the defocus comes in by.

``configuration``: of the base's U-Net, as ``config.json`` has it. Networks are built without memory for their weights
(on the device ``meta``): 724 M in the U-Net, 247 M in the branch.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from ....core.diffusers import UNet2DConditionModel

PRUNED = re.compile(r"^mid_block\.|\.transformer_blocks\.\d+\.(attn2|norm2)\.")
"""Names of the base's weights that the pruned U-Net has no use for."""


def build_unet(configuration: Mapping[str, Any]) -> "UNet2DConditionModel":
    """Build the pruned U-Net: what comes out of the deepest block goes straight to the first one on the way up."""
    from ....core.diffusers import BasicTransformerBlock, UNet2DConditionModel

    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(configuration)
    unet.mid_block = None
    for block in unet.modules():
        if isinstance(block, BasicTransformerBlock):
            block.attn2 = block.norm2 = None  # which its ``forward`` passes over; diffusers builds none without them
    return unet


class ControlBranch(nn.Module):
    """A copy of the pruned U-Net's encoder; layers that start at zero carry what it finds into the U-Net's skips.

    Names of weights are those of diffusers' ControlNetModel. Source: Zhang et al., Adding Conditional Control to
    Text-to-Image Diffusion Models (ICCV 2023), without a middle block.
    """

    def __init__(self, configuration: Mapping[str, Any]):
        from ....core.diffusers import ControlNetConditioningEmbedding

        super().__init__()
        encoder = build_unet(configuration)
        self.conv_in, self.down_blocks = encoder.conv_in, encoder.down_blocks
        self.time_proj, self.time_embedding = encoder.time_proj, encoder.time_embedding
        with torch.device("meta"):
            widths = _skip_widths(self.conv_in, self.down_blocks)
            self.controlnet_cond_embedding = ControlNetConditioningEmbedding(widths[0])
            self.controlnet_down_blocks = nn.ModuleList([nn.Conv2d(width, width, 1) for width in widths])

    def forward(self, z: Tensor, timestep: Tensor, condition: Tensor) -> list[Tensor]:
        """Return what is added to the U-Net's skips, the shallowest first.

        ``z``: (B,C,h,w) scaled latent; ``condition``: (B,3,8h,8w).
        """
        time = self.time_embedding(self.time_proj(timestep.expand(len(z))).to(z.dtype))
        hidden = self.conv_in(z) + self.controlnet_cond_embedding(condition)
        skips = [hidden]
        for block in self.down_blocks:
            hidden, found = block(hidden, time)
            skips.extend(found)
        return [connect(skip) for connect, skip in zip(self.controlnet_down_blocks, skips, strict=True)]


def _skip_widths(conv_in: nn.Conv2d, down_blocks: Any) -> list[int]:
    """Return the channels of every skip: of the first convolution, each residual block and each down-sampling."""
    widths = [conv_in.out_channels]
    for block in down_blocks:
        steps = len(block.resnets) + len(block.downsamplers or ())
        widths += [block.resnets[-1].out_channels] * steps
    return widths
