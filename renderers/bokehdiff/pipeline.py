"""BokehDiff as a diffusers pipeline: one U-Net pass between a VAE's encoder and its decoder, no noise anywhere.

Convention: pictures are (B,3,H,W), display-encoded, [0,1]; disparity is (B,1,H,W), larger = nearer; defocus and blur
strength are in px of the picture. Inside, the picture is padded at its bottom and right edges to whole tokens.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...core.errors import InvalidOptionError
from ...core.optics import signed_defocus
from ...core.timing import stage, staged
from ...core.torchvision_guard import ensure_torchvision

ensure_torchvision()

from diffusers import AutoencoderKL, DDPMScheduler, DiffusionPipeline, UNet2DConditionModel  # noqa: E402
from diffusers.loaders import StableDiffusionXLLoraLoaderMixin  # noqa: E402
from diffusers.utils import BaseOutput  # noqa: E402

from ..attention.diffusers_layers import PisaLayers  # noqa: E402
from ..attention.geometry import TokenGeometry  # noqa: E402
from ..attention.plan import PisaPlan, build_plan  # noqa: E402
from ..diffusion.in_focus_blend import blend_in_focus  # noqa: E402
from ..diffusion.lora import check_lora_targets, unify_keys  # noqa: E402
from ..diffusion.memory import USABLE_MEMORY, count_pairs, estimate_peak_bytes, free_bytes  # noqa: E402
from ..diffusion.prompt import PromptEmbeddings  # noqa: E402
from ..diffusion.tiling import TILE_LATENTS, TILINGS, Tile, blend_tiles, cover_with_tiles  # noqa: E402
from .inputs.colour_encoder import ColourEncoder  # noqa: E402
from .inputs.condition_maps import CONDITIONS  # noqa: E402
from .inputs.token_colours import GAMMA, TokenColours, enlarge  # noqa: E402
from .settings import GATED, PipelineSettings  # noqa: E402

ALIGNMENT_BYTES = 64
"""Where torch puts its own tensors on the CPU."""


@dataclass
class BokehDiffOutput(BaseOutput):
    """``images``: (B,3,H,W) float32, display-encoded, [0,1]."""

    images: Tensor


class BokehDiffPipeline(DiffusionPipeline, StableDiffusionXLLoraLoaderMixin):
    """Blurs an all-in-focus picture as a lens would, in one step (Eq. 1), from SDXL down to the compact model.

    ``settings`` is a ``PipelineSettings`` as JSON; it is saved with the pipeline (model_index.json).
    ``save_pretrained``, ``from_pretrained`` and ``load_lora_weights`` are diffusers'. No text encoder is ever part of
    the pipeline: ``prompt`` holds the constant embeddings. The networks may be of any float type; an autoencoder whose
    configuration says ``force_upcast`` should stay in float32, as ``checkpoints`` sees to. ``colour_encoder``: encodes
    the start of ``pisa-start`` in place of the autoencoder's encoder, alike and in no time; None: that encoder does.
    ``pair_cut``: see ``plan.build_plan``; None, but while training.
    """

    _lora_loadable_modules = ["unet"]  # noqa: RUF012 - diffusers' own way
    _optional_components = ["colour_encoder"]  # noqa: RUF012
    model_cpu_offload_seq = "prompt->vae->colour_encoder->unet"
    text_encoder = None
    text_encoder_2 = None

    def __init__(
        self,
        vae: AutoencoderKL,
        unet: UNet2DConditionModel,
        scheduler: DDPMScheduler,
        prompt: PromptEmbeddings,
        settings: Mapping[str, Any] | None = None,
        colour_encoder: ColourEncoder | None = None,
    ):
        super().__init__()
        self.pair_cut: float | None = None
        networks = {"vae": vae, "unet": unet, "prompt": prompt, "colour_encoder": colour_encoder}
        for network in networks.values():
            if network is not None:
                _align_weights(network)
        self.register_modules(**networks, scheduler=scheduler)
        self.configure(PipelineSettings.from_json(settings or {}))

    def configure(self, settings: PipelineSettings) -> None:
        """Use these settings from now on; they are saved with the pipeline.

        Raises InvalidOptionError where the scheduler or the U-Net does not fit them.
        """
        scheduler = self.scheduler.config
        if scheduler.prediction_type != "epsilon":
            raise InvalidOptionError(
                f"scheduler: expected prediction_type 'epsilon', got '{scheduler.prediction_type}'"
            )
        if settings.timestep >= scheduler.num_train_timesteps:
            raise InvalidOptionError(
                f"timestep: expected less than the scheduler's {scheduler.num_train_timesteps}, got {settings.timestep}"
            )
        inputs = settings.input_channels(self.vae.config.latent_channels)
        if self.unet.config.in_channels != inputs:
            raise InvalidOptionError(
                f"U-Net: expected {inputs} input channels for the latent and the settings' condition_channels, base "
                f"and parametrisation, got {self.unet.config.in_channels}"
            )
        outputs = settings.output_channels(self.vae.config.latent_channels)
        if self.unet.config.out_channels != outputs:
            raise InvalidOptionError(
                f"U-Net: expected {outputs} output channels for the parametrisation {settings.parametrisation},"
                f" got {self.unet.config.out_channels}"
            )
        self._active = settings
        self._pisa = PisaLayers(self.unet, () if settings.physics.is_vanilla else settings.pisa_layers)
        self.register_to_config(settings=settings.to_json())

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
        ``tiling``: ``never``, ``always``, or ``auto``: where the memory estimate says so. ``seed`` draws PISA's jitter.
        ``base_image``: (B,3,H,W) in [0,1], what the settings' ``base`` renderer makes of the same scene; None without.
        ``gamma``: of the display transfer, which only ``pisa-start`` needs.
        With a blur strength of 0 the result is the autoencoder's and the U-Net's reconstruction of the picture, or with
        ``in_focus_blend_px`` the picture. Raises InvalidOptionError where ``base_image`` and settings do not fit, or on
        an impossible gamma.
        """
        self._check_base("base_image", base_image)
        height, width = image.shape[-2:]
        defocus_px = signed_defocus(disparity, focus_disparity, blur_strength)
        padded, near, blur_px = (self._pad(x) for x in (image, self.normalise(disparity), defocus_px))
        side = self._tile_side(padded, blur_px, tiling, tile_latents)
        rows, columns = (length // self.latent_pitch_px for length in padded.shape[-2:])
        tiles = cover_with_tiles(rows, columns, side or max(rows, columns), self._latent_multiple)
        self._tile_autoencoder(side if len(tiles) > 1 else None)
        base = None if base_image is None else self.encode(self._pad(base_image))
        z0 = self.denoise(self.encode(padded), near, blur_px, tiles, seed, base, self.token_colours(padded, gamma))
        output = self.decode(z0).float()
        if base is not None and base_image is not None and self._active.residual == "picture":
            output += self._pad(base_image).float() - self.decode(base).float()
        output = output[..., :height, :width].clamp(0.0, 1.0)
        if self._active.in_focus_blend_px > 0.0:
            with stage("in-focus blend"):
                output = blend_in_focus(output, image.float(), defocus_px, self._active.in_focus_blend_px)
        return BokehDiffOutput(images=output)

    def normalise(self, disparity: Tensor) -> Tensor:
        """Map each picture's disparity (B,1,H,W) affinely from its range to [margin, 1 - margin], in float32.

        PISA's rays need disparity in (0,1), 1 being the lens. Only order and ratios of the scene's own differences
        survive, which is all that a predicted disparity has; circles of confusion come from defocus in px instead.
        A constant disparity becomes 1/2.
        """
        disparity = disparity.float()
        low, high = disparity.amin((1, 2, 3), keepdim=True), disparity.amax((1, 2, 3), keepdim=True)
        share = torch.where(high > low, (disparity - low) / (high - low).clamp(min=1e-30), 0.5)
        margin = self._active.disparity_margin
        return margin + (1.0 - 2.0 * margin) * share

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
        """Return what ``denoise`` needs of a padded picture under ``pisa-start``, None under any other."""
        if self._active.parametrisation != "pisa-start":
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
        start: TokenColours | None = None,
    ) -> Tensor:
        """Return z0 of Eq. 1: (z - sqrt(1 - abar) eps) / sqrt(abar), float32; autograd passes through.

        ``z``: (B,C,h,w) scaled; ``base``: the base picture's, alike, None without. ``disparity`` in (0,1),
        ``defocus_px`` (signed wherever ``condition_channels`` are used): (B,1,H,W), padded. ``start``: the picture's
        ``token_colours``. Under ``identity-start`` an output n = 0 gives the start, z or ``base``, exactly; ``gated``
        blends z with n, ``pisa-start`` with n plus what PISA makes of the colours. Raises InvalidOptionError where
        ``base`` or ``start`` and settings do not fit.
        """
        self._check_base("base", base)
        if (start is None) != (self._active.parametrisation != "pisa-start"):
            expected = "none" if start is not None else "one"
            raise InvalidOptionError(f"start: the parametrisation {self._active.parametrisation} expects {expected}")
        tiles = tiles or [Tile(0, 0, *z.shape[-2:])]
        n = blend_tiles(lambda tile: self._predict(z, disparity, defocus_px, tile, seed, base, start), tiles, z)
        if self._active.parametrisation in GATED:
            blurred, gate = n.chunk(2, dim=1)
            return torch.lerp(z, blurred, torch.sigmoid(gate))
        abar = float(self.scheduler.alphas_cumprod[self._active.timestep])
        if self._active.parametrisation == "identity-start":
            return (z if base is None else base) - math.sqrt((1.0 - abar) / abar) * n
        return (z - math.sqrt(1.0 - abar) * n) / math.sqrt(abar)

    def condition_maps(self, disparity: Tensor, defocus_px: Tensor, tile: Tile) -> Tensor:
        """Return what the U-Net is told of a tile beside latents: (B,K,h,w) float32, one channel per condition.

        ``disparity`` in (0,1), ``defocus_px`` signed: (B,1,H,W) of the whole padded picture. No gradient flows back.
        """
        pitch = self.latent_pitch_px
        near, blur = (
            F.pixel_unshuffle(tile.cut(maps, pitch).detach().float(), pitch) for maps in (disparity, defocus_px)
        )
        channels = [CONDITIONS[name](near, blur) for name in self._active.condition_channels]
        return torch.stack(channels, dim=1) if channels else near[:, :0]

    def load_lora_weights(
        self, pretrained_model_name_or_path_or_dict: Any, adapter_name: str | None = None, **where: Any
    ) -> None:
        """Load a LoRA for the U-Net from a folder, a repository or a dict: see diffusers for ``where``.

        Takes safetensors only, with keys in any of diffusers' formats (``lora.unify_keys``). Raises InvalidOptionError
        where a key belongs to no layer of this U-Net: nothing is left out in silence.
        """
        state, alphas, metadata = self.lora_state_dict(
            pretrained_model_name_or_path_or_dict,
            unet_config=self.unet.config,
            use_safetensors=True,
            return_lora_metadata=True,
            **where,
        )
        state = unify_keys(state)
        check_lora_targets(state, self.unet)
        self.load_lora_into_unet(state, alphas, self.unet, adapter_name, metadata=metadata, _pipeline=self)

    @property
    def _latent_multiple(self) -> int:
        return 2 ** (len(self.unet.config.block_out_channels) - 1)

    @property
    def _downscales(self) -> tuple[int, ...]:
        """Latent px per token and axis of every grid that PISA works on."""
        start = (1,) if self._active.parametrisation == "pisa-start" else ()
        return tuple(dict.fromkeys((*start, *self._pisa.downscales)))

    def _pad(self, maps: Tensor) -> Tensor:
        """Repeat the last row and column up to whole tokens."""
        height, width = maps.shape[-2:]
        multiple = self.size_multiple_px
        return F.pad(maps, [0, -width % multiple, 0, -height % multiple], mode="replicate")

    def _tile_side(self, image: Tensor, defocus_px: Tensor, tiling: str, tile_latents: int) -> int | None:
        """Return the side of tiles in latent px, None for one pass over the whole picture."""
        if tiling not in TILINGS:
            raise InvalidOptionError(f"tiling: expected one of {', '.join(TILINGS)}, got '{tiling}'")
        if tiling == "auto":
            fits = self._estimate_peak_bytes(image, defocus_px) <= USABLE_MEMORY * free_bytes(image.device)
            tiling = "never" if fits else "always"
        return tile_latents if tiling == "always" else None

    def _estimate_peak_bytes(self, image: Tensor, defocus_px: Tensor) -> int:
        pixels = image.shape[0] * image.shape[2] * image.shape[3]
        return estimate_peak_bytes(
            self.vae.config,
            self.unet.config,
            pixels // self._active.pixel_unshuffle**2,
            pixels // self.latent_pitch_px**2,
            (self.vae.dtype.itemsize, self.unet.dtype.itemsize),
            sum(count_pairs(defocus_px, self.latent_pitch_px * d, self._active.physics) for d in self._downscales),
        )

    def _tile_autoencoder(self, side: int | None) -> None:
        """Let the autoencoder work in diffusers' overlapping tiles of ``side`` latent px, or in one piece."""
        if side is None:
            self.vae.disable_tiling()
            return
        self.vae.enable_tiling()
        self.vae.tile_latent_min_size = side
        self.vae.tile_sample_min_size = side * self.latent_pitch_px // self._active.pixel_unshuffle

    def _check_base(self, what: str, base: Tensor | None) -> None:
        if (base is None) != (self._active.base is None):
            expected = "none" if self._active.base is None else f"that of the renderer {self._active.base}"
            raise InvalidOptionError(
                f"{what}: the settings' base expects {expected}, got {'none' if base is None else 'one'}"
            )

    def _predict(
        self,
        z: Tensor,
        disparity: Tensor,
        defocus_px: Tensor,
        tile: Tile,
        seed: int,
        base: Tensor | None,
        start: TokenColours | None,
    ) -> Tensor:
        """One U-Net pass over a tile: (B,C,h,w) float32, C as many as the parametrisation has.

        Under ``pisa-start`` n includes the latent that it starts from.
        """
        pitch = self.latent_pitch_px
        plans = self._build_plans(tile.cut(disparity, pitch), tile.cut(defocus_px, pitch), tile, seed)
        conditions = self.condition_maps(disparity, defocus_px, tile).expand(len(z), -1, -1, -1)
        spread = [] if start is None else [self._encode_start(start.cut(tile), plans[1])]
        inputs = [tile.cut(z), conditions, *([] if base is None else [tile.cut(base)]), *spread]
        sample = torch.cat([channels.to(self.unet.dtype) for channels in inputs], dim=1)
        tokens, added = self._conditions(z, tile)
        timestep = torch.tensor(self._active.timestep, device=z.device)
        with self._pisa.using(plans), stage("U-Net"):
            n = self.unet(sample, timestep, tokens, added_cond_kwargs=added, return_dict=False)[0].float()
        return n if not spread else torch.cat([n[:, : z.shape[1]] + spread[0], n[:, z.shape[1] :]], dim=1)

    @staged("start")
    def _encode_start(self, colours: TokenColours, plan: PisaPlan) -> Tensor:
        start = colours.spread(plan)
        if self.colour_encoder is not None:
            return self.colour_encoder(start)
        return self.encode(enlarge(start, self.latent_pitch_px))

    @staged("plan")
    def _build_plans(self, disparity: Tensor, defocus_px: Tensor, tile: Tile, seed: int) -> dict[int, PisaPlan]:
        """Build the geometry of every token grid once; all layers of a grid share it."""
        plans = {}
        for downscale in self._downscales:
            grid = (tile.height // downscale, tile.width // downscale)
            geometry = TokenGeometry.from_maps(disparity, defocus_px, grid, self._active.pooling)
            if self._active.pitch == "released":
                geometry = geometry.with_released_pitch()
            plans[downscale] = build_plan(geometry, self._active.physics, seed, cut=self.pair_cut)
            plans[downscale].prepare()
        return plans

    def _conditions(self, z: Tensor, tile: Tile) -> tuple[Tensor, dict[str, Tensor] | None]:
        """Return the prompt's tokens and SDXL's added conditions: original size, top left of the crop, size, in px."""
        batch, pitch = z.shape[0], self.latent_pitch_px
        tokens = self.prompt.tokens.expand(batch, -1, -1).to(self.unet.dtype)
        if self.unet.config.addition_embed_type != "text_time":
            return tokens, None
        numbers = (*z.shape[-2:], tile.top, tile.left, tile.height, tile.width)
        time_ids = torch.tensor([[pitch * n for n in numbers]], device=z.device, dtype=torch.float32)
        pooled = self.prompt.pooled.expand(batch, -1).to(self.unet.dtype)
        return tokens, {"text_embeds": pooled, "time_ids": time_ids.expand(batch, -1)}


def _align_weights(network: nn.Module) -> None:
    """Copy weights that lie in memory where matrix products would start their sums differently.

    safetensors maps files as they are, at any address; the last bits of a product on the CPU depend on it.
    """
    for weight in network.parameters():
        if weight.device.type == "cpu" and weight.data_ptr() % ALIGNMENT_BYTES:
            weight.data = weight.data.clone()
