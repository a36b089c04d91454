"""What PISA makes of a picture's colours before any training: what the output form ``blurred-colours`` builds on.

Light adds up in linear light, and latents know only display-encoded pictures, whose blur is several dB off where bright
and dark mix. So it is the colours of whole tokens that are blurred here, by the same attention with all logits equal.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ....core.checks import check
from ....core.optics import GAMMA, to_display, to_linear
from ...attention.pairs import pisa_fast
from ...attention.parts import PlannedPart, TokenPart
from ...attention.plan import PairPlan
from ...diffusion.tiling import Tile

OWN_LIGHT = 1e-3
"""How much of its own light is added to a token, in units of what reaches it in a picture without depth.

A token that nothing reaches has its own colour.
"""


@dataclass(frozen=True, eq=False)
class TokenColours:
    """A picture whose tokens of ``pitch_px`` have one colour each, or two where they straddle a depth edge.

    ``linear``: (B,3,H,W), linear light; ``gamma``: of the display transfer.
    """

    linear: Tensor
    pitch_px: int
    gamma: float = GAMMA

    @classmethod
    def of_picture(cls, image: Tensor, pitch_px: int, gamma: float = GAMMA) -> "TokenColours":
        """Take ``image`` (B,3,H,W), display-encoded, [0,1], whole tokens of ``pitch_px`` px high and wide.

        Raises InvalidOptionError on an impossible gamma.
        """
        check("gamma", gamma, 1.0 <= gamma <= 5.0, "1 to 5")
        return cls(to_linear(image.float(), gamma), pitch_px, gamma)

    def cut(self, tile: Tile) -> "TokenColours":
        """Return those of a tile of the grid."""
        return dataclasses.replace(self, linear=tile.cut(self.linear, self.pitch_px))

    def blur(self, planned: Sequence[PlannedPart]) -> Tensor:
        """Return what geometry and physics of the tokens' parts make of them: (B,3,h,w), display-encoded, [0,1].

        Eq. 9 with q = k = 0, of the colours and of 1, each part's in proportion to its share of the token; the first
        divided by the second, as a scatter renderer does.
        """
        arrived = torch.stack([self._spread(part, plan) for part, plan in planned]).sum(dim=0)
        light, weight = arrived[:, :3], arrived[:, 3:]
        own = F.avg_pool2d(self.linear, self.pitch_px)
        return to_display((light + OWN_LIGHT * own) / (weight + OWN_LIGHT), self.gamma)

    def _spread(self, part: TokenPart, plan: PairPlan) -> Tensor:
        """Return the light of a part, and of as much white, where it arrives: (B,4,h,w)."""
        values = torch.cat([self.linear, torch.ones_like(self.linear[:, :1])], dim=1)
        values = F.avg_pool2d(values if part.pixels is None else values * part.pixels, self.pitch_px)
        tokens = values.flatten(2).transpose(1, 2)[:, None]
        nothing = torch.zeros_like(tokens)
        return pisa_fast(nothing, nothing, tokens, plan)[:, 0].transpose(1, 2).unflatten(2, values.shape[-2:])


def enlarge(colours: Tensor, pitch_px: int) -> Tensor:
    """Return the picture (B,3,h*pitch,w*pitch) in [0,1] of display-encoded colours (B,3,h,w) of tokens."""
    # Row by row: channels last cost group norms precision on the CPU, and in torch 2.13 their backward pass crashes.
    colours = colours.contiguous()
    return F.interpolate(colours, scale_factor=pitch_px, mode="bicubic", align_corners=False).clamp(0.0, 1.0)
