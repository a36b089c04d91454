"""The compact model: the pipeline's own classes, small enough to train anywhere and to ship (11 M parameters).

Pictures are folded 4 x 4 px into 48 channels, and an autoencoder without downsampling makes 16 latent channels of them.
The U-Net has PISA where a token spans 4 px, on the way down and again at the end, and where it spans 8 px. Its last
layer starts at zero: under ``residual`` an untrained model returns what its autoencoder reconstructs, and training
starts from there; under ``blurred-colours`` it starts with the gate nearly closed.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from torch import nn

from ....core.checks import Lengths, Within, check, check_fields
from ....core.errors import InvalidOptionError
from ...attention.physics import PisaPhysics
from ..pipeline import BokehDiffPipeline
from ..settings import BLURRED_COLOURS, PipelineSettings
from ..variants import FULL_MODEL, VARIANTS

if TYPE_CHECKING:
    from ....core.diffusers import AutoencoderKL, UNet2DConditionModel

WIDEST = 8192
CLOSED_GATE = -3.0
"""Where the gates of an untrained model stand, as logits: 5 % open."""


@dataclass(frozen=True, kw_only=True)
class CompactSize:
    """Sizes of the networks. ``factor``: px folded per axis. The defaults ship; tests use smaller ones.

    Raises InvalidOptionError on impossible values: groups and heads divide widths.
    """

    factor: Annotated[int, Within(1, 16)] = 4
    latent_channels: Annotated[int, Within(1, 768)] = 16
    vae_width: Annotated[int, Within(1, WIDEST)] = 160
    vae_groups: Annotated[int, Within(1, WIDEST)] = 8
    unet_widths: Annotated[tuple[int, ...], Lengths(2, 8), Within(1, WIDEST)] = (96, 128, 192)
    unet_groups: Annotated[int, Within(1, WIDEST)] = 16
    heads: Annotated[int, Within(1, 256)] = 4
    prompt_width: Annotated[int, Within(1, WIDEST)] = 32

    def __post_init__(self) -> None:
        check_fields(self, "size.")
        fits = self.vae_width % self.vae_groups == 0
        check("size.vae_width", self.vae_width, fits, f"a multiple of {self.vae_groups} (vae_groups)")
        for parts, name in ((self.unet_groups, "unet_groups"), (self.heads, "heads")):
            fits = all(width % parts == 0 for width in self.unet_widths)
            check("size.unet_widths", self.unet_widths, fits, f"multiples of {parts} ({name})")
        most = 3 * self.factor**2
        check("size.latent_channels", self.latent_channels, self.latent_channels <= most, f"1 to 3 factor^2 = {most}")


def build_compact(
    variant: str = FULL_MODEL,
    size: CompactSize | None = None,
    physics: PisaPhysics | None = None,
    output_form: str = BLURRED_COLOURS,
) -> BokehDiffPipeline:
    """Return an untrained compact model of a variant, on the CPU in float32.

    ``physics``: the full model's, which the variant's switches then change. ``output_form``: see
    ``PipelineSettings``; a variant with a base has its own. The U-Net's first layer is as wide as the variant's inputs
    need. Raises InvalidOptionError for a variant that renders another one's weights.
    """
    from ....core.diffusers import DDPMScheduler  # here, as importing diffusers takes seconds
    from ...diffusion.prompt import PromptEmbeddings

    size = size or CompactSize()
    switches = VARIANTS[variant]
    if switches.weights is not None:
        raise InvalidOptionError(f"{variant} renders the weights of {switches.weights}: train {switches.weights}")
    built: dict[str, Any] = {"output_form": output_form} | dict(switches.training)
    full = PipelineSettings(
        pixel_unshuffle=size.factor,
        pisa_layers=("down_blocks.0", "down_blocks.1", f"up_blocks.{len(size.unet_widths) - 1}"),
        physics=physics or PisaPhysics(),
        trained_as=variant,
        **built,
    )
    return BokehDiffPipeline(
        vae=_build_vae(size),
        unet=_build_unet(size, full.input_channels(size.latent_channels), full.output_channels(size.latent_channels)),
        scheduler=DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
        prompt=PromptEmbeddings(width=size.prompt_width),
        settings=full.as_variant(switches).to_json(),
    )


def _build_vae(size: CompactSize) -> "AutoencoderKL":
    from ....core.diffusers import AutoencoderKL

    channels = 3 * size.factor**2
    return AutoencoderKL(
        in_channels=channels,
        out_channels=channels,
        latent_channels=size.latent_channels,
        block_out_channels=(size.vae_width,),
        layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",),
        up_block_types=("UpDecoderBlock2D",),
        norm_num_groups=size.vae_groups,
        mid_block_add_attention=False,
        scaling_factor=1.0,
    ).eval()


def _build_unet(size: CompactSize, input_channels: int, output_channels: int) -> "UNet2DConditionModel":
    from ....core.diffusers import UNet2DConditionModel

    deeper = len(size.unet_widths) - 2
    unet = UNet2DConditionModel(
        in_channels=input_channels,
        out_channels=output_channels,
        block_out_channels=size.unet_widths,
        layers_per_block=1,
        down_block_types=(*["CrossAttnDownBlock2D"] * 2, *["DownBlock2D"] * deeper),
        mid_block_type="UNetMidBlock2D",
        up_block_types=(*["UpBlock2D"] * (deeper + 1), "CrossAttnUpBlock2D"),
        cross_attention_dim=size.prompt_width,
        attention_head_dim=size.heads,
        norm_num_groups=size.unet_groups,
    )
    nn.init.zeros_(unet.conv_out.weight)
    nn.init.zeros_(unet.conv_out.bias)
    nn.init.constant_(unet.conv_out.bias[size.latent_channels :], CLOSED_GATE)
    return unet.eval()
