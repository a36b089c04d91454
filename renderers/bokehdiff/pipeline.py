"""BokehDiff: one U-Net pass between a VAE's encoder and its decoder, no noise anywhere.

Convention: pictures are (B,3,H,W), display-encoded, [0,1]; disparity is (B,1,H,W), larger = nearer; defocus and blur
strength are in px of the picture. Inside, the picture is padded at its bottom and right edges to whole tokens.
Importing this module imports no diffusers: the networks bring it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ...core.errors import InvalidOptionError
from ...core.optics import signed_defocus
from ...core.timing import stage, staged
from ..attention.diffusers_layers import PisaLayers
from ..attention.parts import PlannedPart, place_tokens
from ..attention.plan import build_plan
from ..diffusion.in_focus_blend import blend_in_focus
from ..diffusion.lora import load_lora
from ..diffusion.network_group import NetworkGroup
from ..diffusion.padding import pad_to_multiple
from ..diffusion.prompt_conditions import condition_on_prompt
from ..diffusion.tiling import (
    TILE_LATENTS,
    Tile,
    blend_tiles,
    choose_tile_side,
    cover_with_tiles,
    one_pass_latents,
    tile_autoencoder,
)
from .inputs.condition_maps import stack_conditions
from .inputs.disparity import normalise_disparity
from .inputs.token_colours import GAMMA, TokenColours, enlarge
from .settings import BLURRED_COLOURS, RESIDUAL, PipelineSettings, check_networks

if TYPE_CHECKING:
    from ...core.diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
    from ..diffusion.prompt import PromptEmbeddings
    from .inputs.colour_encoder import ColourEncoder


@dataclass(frozen=True, eq=False)
class BokehDiffOutput:
    """``images``: (B,3,H,W) float32, display-encoded, [0,1]. ``tile_latents``: side of the tiles; None: one pass."""

    images: Tensor
    tile_latents: int | None


class BokehDiffPipeline(NetworkGroup):
    """Blurs an all-in-focus picture as a lens would, in one step (Eq. 1), from SDXL down to the compact model.

    ``settings`` is a ``PipelineSettings`` as JSON; it is saved with the networks (model_index.json).
    ``save_pretrained``, ``from_pretrained`` and ``load_lora_weights`` have diffusers' names and formats. There is no
    text encoder: ``prompt`` holds the constant embeddings. The networks may be of any float type; an autoencoder whose
    configuration says ``force_upcast`` should stay in float32, as ``checkpoints`` sees to. ``colour_encoder``: encodes
    the blurred colours of ``blurred-colours`` in place of the autoencoder's encoder, alike and in no time; None: that
    encoder does. ``pair_cut``: see ``plan.build_plan``; None, but while training.
    """

    PARTS: ClassVar[Mapping[str, str]] = {
        "vae": ".core.diffusers:AutoencoderKL",
        "unet": ".core.diffusers:UNet2DConditionModel",
        "scheduler": ".core.diffusers:DDPMScheduler",
        "prompt": ".renderers.diffusion.prompt:PromptEmbeddings",
        "colour_encoder": ".renderers.bokehdiff.inputs.colour_encoder:ColourEncoder",
    }
    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"colour_encoder"})

    vae: "AutoencoderKL"
    unet: "UNet2DConditionModel"
    scheduler: "DDPMScheduler"
    prompt: "PromptEmbeddings"
    colour_encoder: "ColourEncoder | None"

    def __init__(
        self,
        vae: "AutoencoderKL",
        unet: "UNet2DConditionModel",
        scheduler: "DDPMScheduler",
        prompt: "PromptEmbeddings",
        settings: Mapping[str, Any] | None = None,
        colour_encoder: "ColourEncoder | None" = None,
    ):
        self.pair_cut: float | None = None
        self.register_modules(vae=vae, unet=unet, scheduler=scheduler, prompt=prompt, colour_encoder=colour_encoder)
        self.configure(PipelineSettings.from_json(settings or {}))

    def configure(self, settings: PipelineSettings) -> None:
        """Use these settings from now on; they are saved with the pipeline.

        Raises InvalidOptionError where the scheduler or the U-Net does not fit them.
        """
        check_networks(settings, self.vae.config, self.unet.config, self.scheduler.config)
        self._active = settings
        self._pisa = PisaLayers(self.unet, () if settings.physics.is_vanilla else settings.pisa_layers)

    def settings_json(self) -> dict[str, Any]:  # noqa: D102 - see NetworkGroup
        return self._active.to_json()

    def load_lora_weights(self, source: Any, adapter_name: str = "default", **where: Any) -> None:
        """Load a LoRA for the U-Net, see ``lora.load_lora``."""
        load_lora(self.unet, source, adapter_name, **where)

    @property
    def active_settings(self) -> PipelineSettings:
        """The settings in use."""
        return self._active

    @property
    def latent_pitch_px(self) -> int:
        """Side of a latent px in px of the picture."""
        return self._active.pixel_unshuffle * 2 ** (len(self.vae.config.block_out_channels) - 1)

    @property
    def size_multiple_px(self) -> int:
        """What pictures are padded to: one token of the U-Net's coarsest grid."""
        return self.latent_pitch_px * self._latent_multiple

    @property
    def one_pass_latents(self) -> int:
        """The largest picture that ``tiling="auto"`` leaves whole, in latent px."""
        physics = self._active.physics
        all_pairs = not physics.coc and not physics.is_vanilla
        return one_pass_latents(self.latent_pitch_px, min(self._downscales, default=None) if all_pairs else None)

    @torch.no_grad()
    def __call__(
        self,
        image: Tensor,
        disparity: Tensor,
        focus_disparity: float,
        blur_strength: float,
        tiling: str = "auto",
        tile_latents: int = TILE_LATENTS,
        seed: int = 0,
        base_image: Tensor | None = None,
        gamma: float = GAMMA,
    ) -> BokehDiffOutput:
        """Render with the focal plane at ``focus_disparity`` and ``blur_strength`` px of radius per unit of disparity.

        ``image``: (B,3,H,W) in [0,1]. ``disparity``: (B,1,H,W), any finite range; the focus may lie outside it.
        ``tiling``: ``never``, ``always``, or ``auto``: where the picture is larger than ``one_pass_latents``, whatever
        the machine. Without the circle of confusion (``-no-coc``, ``-vanilla``) attention reaches as far as the tile:
        there tiling changes the method itself. ``seed`` draws PISA's jitter.
        ``base_image``: (B,3,H,W) in [0,1], what the settings' ``base`` renderer makes of the same scene; None without.
        ``gamma``: of the display transfer, which only ``blurred-colours`` needs.
        With a blur strength of 0 the result is the networks' reconstruction of the picture, or with
        ``in_focus_blend_px`` the picture. Threads may share a pipeline if all of them tile, or none. Raises
        InvalidOptionError where ``base_image`` and settings do not fit, or on an impossible gamma.
        """
        self._active.check_base("base_image", base_image)
        height, width = image.shape[-2:]
        defocus_px = signed_defocus(disparity, focus_disparity, blur_strength)
        padded, near, blur_px = (self._pad(x) for x in (image, self.normalise(disparity), defocus_px))
        tiles, side = self._choose_tiles(padded, tiling, tile_latents)
        self._tile_autoencoder(side)
        base = None if base_image is None else self.encode(self._pad(base_image))
        z0 = self.denoise(self.encode(padded), near, blur_px, tiles, seed, base, self.token_colours(padded, gamma))
        output = self.decode(z0).float()
        if base is not None and base_image is not None and self._active.residual == "picture":
            output += self._pad(base_image).float() - self.decode(base).float()
        output = output[..., :height, :width].clamp(0.0, 1.0)
        if self._active.in_focus_blend_px > 0.0:
            with stage("in-focus blend"):
                output = blend_in_focus(output, image.float(), defocus_px, self._active.in_focus_blend_px)
        return BokehDiffOutput(output, side)

    def normalise(self, disparity: Tensor) -> Tensor:
        """Map disparity into (0,1), see ``inputs.disparity``."""
        return normalise_disparity(disparity, self._active.disparity_margin)

    @staged("encode")
    def encode(self, image: Tensor) -> Tensor:
        """Return the scaled latent z (B,C,h,w) at the posterior's mode: no noise. ``image``: padded, [0,1]."""
        pixels = F.pixel_unshuffle(2.0 * image.to(self.vae.dtype) - 1.0, self._active.pixel_unshuffle)
        return self.vae.encode(pixels).latent_dist.mode().float() * self.vae.config.scaling_factor

    @staged("decode")
    def decode(self, latent: Tensor) -> Tensor:
        """Return the picture (B,3,H,W) of a scaled latent; not clipped to [0,1]."""
        pixels = self.vae.decode((latent / self.vae.config.scaling_factor).to(self.vae.dtype)).sample
        return 0.5 + 0.5 * F.pixel_shuffle(pixels, self._active.pixel_unshuffle)

    def token_colours(self, image: Tensor, gamma: float = GAMMA) -> TokenColours | None:
        """Return what ``denoise`` needs of a padded picture under ``blurred-colours``, None under any other form."""
        if self._active.output_form != BLURRED_COLOURS:
            return None
        return TokenColours.of_picture(image, self.latent_pitch_px, gamma)

    def denoise(
        self,
        z: Tensor,
        disparity: Tensor,
        defocus_px: Tensor,
        tiles: list[Tile] | None = None,
        seed: int = 0,
        base: Tensor | None = None,
        colours: TokenColours | None = None,
    ) -> Tensor:
        """Return z0 of Eq. 1: (z - sqrt(1 - abar) eps) / sqrt(abar), float32; autograd passes through.

        ``z``: (B,C,h,w) scaled; ``base``: the base picture's, alike, None without. ``disparity`` in (0,1),
        ``defocus_px`` (signed wherever ``condition_channels`` are used): (B,1,H,W), padded. ``colours``: the picture's
        ``token_colours``. Under ``residual`` an output n = 0 gives z or ``base``, exactly; ``blurred-colours`` blends z
        with n plus the latent of the blurred colours. Raises InvalidOptionError where ``base`` or ``colours`` and
        settings do not fit.
        """
        self._active.check_base("base", base)
        form = self._active.output_form
        if (colours is None) != (form != BLURRED_COLOURS):
            expected = "none" if colours is not None else "some"
            raise InvalidOptionError(f"colours: the output form {form} expects {expected}")
        tiles = tiles or [Tile(0, 0, *z.shape[-2:])]
        n = blend_tiles(lambda tile: self._predict(z, disparity, defocus_px, tile, seed, base, colours), tiles, z)
        if form == BLURRED_COLOURS:
            blurred, gate = n.chunk(2, dim=1)
            return torch.lerp(z, blurred, torch.sigmoid(gate))
        abar = float(self.scheduler.alphas_cumprod[self._active.timestep])
        if form == RESIDUAL:
            return (z if base is None else base) - math.sqrt((1.0 - abar) / abar) * n
        return (z - math.sqrt(1.0 - abar) * n) / math.sqrt(abar)

    @property
    def _latent_multiple(self) -> int:
        return 2 ** (len(self.unet.config.block_out_channels) - 1)

    @property
    def _downscales(self) -> tuple[int, ...]:
        """Latent px per token and axis of every grid that PISA works on."""
        of_colours = (1,) if self._active.output_form == BLURRED_COLOURS else ()
        return tuple(dict.fromkeys((*of_colours, *self._pisa.downscales)))

    def _pad(self, maps: Tensor) -> Tensor:
        return pad_to_multiple(maps, self.size_multiple_px)

    def _choose_tiles(self, padded: Tensor, tiling: str, tile_latents: int) -> tuple[list[Tile], int | None]:
        """Return the tiles of a padded picture, and their side unless it is one pass."""
        rows, columns = (length // self.latent_pitch_px for length in padded.shape[-2:])
        side = choose_tile_side(tiling, tile_latents, rows * columns, self.one_pass_latents)
        tiles = cover_with_tiles(rows, columns, side or max(rows, columns), self._latent_multiple)
        return tiles, side if len(tiles) > 1 else None

    def _tile_autoencoder(self, side: int | None) -> None:
        tile_autoencoder(self.vae, side, self.latent_pitch_px // self._active.pixel_unshuffle)

    def _predict(
        self,
        z: Tensor,
        disparity: Tensor,
        defocus_px: Tensor,
        tile: Tile,
        seed: int,
        base: Tensor | None,
        colours: TokenColours | None,
    ) -> Tensor:
        """One U-Net pass over a tile: (B,C,h,w) float32. Under ``blurred-colours`` n includes the colours' latent."""
        pitch = self.latent_pitch_px
        plans = self._build_plans(tile.cut(disparity, pitch), tile.cut(defocus_px, pitch), tile, seed)
        conditions = stack_conditions(self._active.condition_channels, disparity, defocus_px, tile, pitch)
        blurred = [] if colours is None else [self._encode_blurred(colours.cut(tile), plans[1])]
        inputs = [tile.cut(z), conditions.expand(len(z), -1, -1, -1), *([] if base is None else [tile.cut(base)])]
        sample = torch.cat([channels.to(self.unet.dtype) for channels in (*inputs, *blurred)], dim=1)
        n = self._run_unet(sample, z, tile, plans)
        return n if not blurred else torch.cat([n[:, : z.shape[1]] + blurred[0], n[:, z.shape[1] :]], dim=1)

    def _run_unet(self, sample: Tensor, z: Tensor, tile: Tile, plans: dict[int, list[PlannedPart]]) -> Tensor:
        tokens, added = condition_on_prompt(self.prompt, self.unet, z, tile, self.latent_pitch_px)
        timestep = torch.tensor(self._active.timestep, device=z.device)
        with self._pisa.using(plans), stage("U-Net"):
            return self.unet(sample, timestep, tokens, added_cond_kwargs=added, return_dict=False)[0].float()

    @staged("blur colours")
    def _encode_blurred(self, colours: TokenColours, planned: list[PlannedPart]) -> Tensor:
        blurred = colours.blur(planned)
        if self.colour_encoder is not None:
            return self.colour_encoder(blurred)
        return self.encode(enlarge(blurred, self.latent_pitch_px))

    @staged("plan")
    def _build_plans(self, disparity: Tensor, defocus: Tensor, tile: Tile, seed: int) -> dict[int, list[PlannedPart]]:
        """Build the geometry of every token grid once; all layers of a grid share it."""
        settings, plans = self._active, {}
        for downscale in self._downscales:
            grid = (tile.height // downscale, tile.width // downscale)
            parts = place_tokens(disparity, defocus, grid, settings.used_pooling, settings.pitch == "released")
            plans[downscale] = [
                PlannedPart(part, build_plan(part.geometry, settings.physics, seed, cut=self.pair_cut))
                for part in parts
            ]
            for _, plan in plans[downscale]:
                plan.prepare()
        return plans
