"""The training that the paper describes: losses on the picture, through the decoder (Eq. 10-12).

It trains the SDXL model by a LoRA and parts of its encoder, and gives the compact model its last polish.
"""

import json
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.utils.data import Dataset

from ...core.diffusers import (
    LoraConfig,
    StableDiffusionXLLoraLoaderMixin,
    UNet2DConditionModel,
    convert_state_dict_to_diffusers,
    get_peft_model_state_dict,
)
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ...renderers.bokehdiff.weight_files import SETTINGS_FILE
from ..engine.config import RunConfig
from ..engine.schedules import progress_at
from ..engine.task import AdversarialTerm, Batch, ParameterGroup, StepLosses
from ..losses.discriminator import Discriminator, load_alexnet, load_features
from ..losses.edges import EdgeLoss
from ..losses.lpips import PerceptualLoss
from ..scenes.open_scenes import open_scenes
from .config import PictureConfig
from .crops import check_crop, crop_maps
from .task import BokehDiffTask
from .training_physics import set_training_physics

LORA_LAYERS = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out")
LORA_LAYERS_OF_CODE = (*LORA_LAYERS, "conv1", "conv2", "conv_shortcut", "conv", "time_emb_proj", "linear_1", "linear_2")
ENCODER_PARTS = ("encoder.mid_block", "encoder.conv_norm_out", "encoder.conv_out", "quant_conv")


class PictureTask(BokehDiffTask):
    """Trains what ``config.network`` names against MSE, LPIPS, the edge loss and a discriminator.

    Source: BokehDiff, Sec. 3.4.
    """

    def __init__(self, pipeline: BokehDiffPipeline, config: PictureConfig, run: RunConfig):
        super().__init__(pipeline, config, run)
        self._config = config
        check_crop(pipeline, config.data.crop_px)
        if config.network.encoder:
            pipeline.register_modules(colour_encoder=None)
        losses = config.losses
        self._edge = EdgeLoss(config.profile) if losses.edge else None
        self._perceptual = (
            PerceptualLoss(losses.perceptual_network, losses.perceptual_weights).requires_grad_(False)
            if losses.lpips
            else None
        )
        self._unet_parameters = self._choose_unet()
        self._vae_parameters = self._choose_vae()
        self._dataset = open_scenes(config.data, self._inference.base)
        self.unet.train()

    def dataset(self) -> Dataset[Any]:
        """Return the scenes that ``data`` names."""
        return self._dataset

    def losses(self, batch: Batch, step: int) -> StepLosses:
        """Render random crops with autograd and compare them with the target."""
        pipeline, weights = self.pipeline, self._config.losses
        maps = crop_maps(pipeline, batch, self._data.crop_px, self._seed, step)
        set_training_physics(pipeline, self._inference.physics, self._config, progress_at(step, self._steps))
        base = pipeline.encode(maps["base"]) if "base" in maps else None
        z = pipeline.encode(maps["image"])
        colours = pipeline.token_colours(maps["image"])
        z0 = pipeline.denoise(z, maps["disparity"], maps["defocus"], seed=step, base=base, colours=colours)
        predicted, target = pipeline.decode(z0).float(), maps["target"]
        mse = (predicted - target).square().mean()
        terms: dict[str, Tensor] = {}
        if weights.mse:
            terms["mse"] = weights.mse * mse
        if self._perceptual is not None:
            terms["lpips"] = weights.lpips * self._perceptual(predicted, target)
        if self._edge is not None:
            terms["edge"] = weights.edge * self._edge(predicted, target, maps["image"])
        return StepLosses(terms, mse.detach(), predicted, target)

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return the U-Net's trained weights, and the autoencoder's at their own rate."""
        encoder_rate = self._config.network.encoder_rate
        return self.group(self._unet_parameters) + self.group(self._vae_parameters, encoder_rate)

    def adversary(self) -> AdversarialTerm | None:
        """Return the discriminator on frozen features of Eq. 11, unless its weight is 0.

        Raises MissingWeightsError where the features cannot be had.
        """
        losses = self._config.losses
        if losses.adversarial == 0.0:
            return None
        if losses.discriminator_network == "alex":
            features = load_alexnet(losses.perceptual_weights)
        else:
            features = load_features(losses.discriminator_weights)
        discriminator = Discriminator(features, self._config.profile)
        return AdversarialTerm(discriminator, losses.adversarial, losses.adversarial_from, losses.discriminator_rate)

    def save(self, folder: Path) -> None:
        """Save the whole pipeline, or after training a LoRA what the authors publish: the LoRA and the encoder's parts.

        ``pytorch_lora_weights.safetensors`` and ``vae.safetensors`` load over the pipeline it started from.
        """
        if not self._config.network.lora_rank:
            super().save(folder)
            return
        self.pipeline.configure(self._inference)
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        lora = convert_state_dict_to_diffusers(get_peft_model_state_dict(self.unet))
        StableDiffusionXLLoraLoaderMixin.save_lora_weights(folder, unet_lora_layers=lora, safe_serialization=True)
        settings = json.dumps(self.pipeline.active_settings.to_json(), indent=1)
        (folder / SETTINGS_FILE).write_text(settings + "\n", encoding="utf-8")
        trained = {n: p.detach().cpu().contiguous() for n, p in self.vae.named_parameters() if p.requires_grad}
        if trained:
            save_file(trained, folder / "vae.safetensors")

    def _choose_unet(self) -> list[nn.Parameter]:
        network = self._config.network
        if network.lora_rank == 0:
            chosen = self.unet if network.unet_part == "all" else self.unet.down_blocks
            chosen.requires_grad_(True)
            return [p for p in self.unet.parameters() if p.requires_grad]
        add_lora(self.unet, network.lora_rank, network.unet_part, self._config.profile)
        return [p for p in self.unet.parameters() if p.requires_grad]

    def _choose_vae(self) -> list[nn.Parameter]:
        network = self._config.network
        parts: tuple[str, ...] = ()
        if network.encoder:
            parts += ENCODER_PARTS if self._config.profile == "paper" else (*ENCODER_PARTS, "encoder.conv_in")
        if network.decoder:
            parts += ("decoder", "post_quant_conv")
        chosen = [p for name, p in self.vae.named_parameters() if name.startswith(parts)] if parts else []
        for parameter in chosen:
            parameter.requires_grad_(True)
        return chosen


def add_lora(unet: UNet2DConditionModel, rank: int, part: str, profile: str) -> None:
    """Add a LoRA of ``rank`` = alpha to a diffusers U-Net: in its ``down`` blocks or ``all`` of it.

    ``profile``: ``paper`` adapts attention, feed-forward and projections, ``code`` convolutions and time embedding too.
    """
    layers = LORA_LAYERS_OF_CODE if profile == "code" else LORA_LAYERS
    targets = [
        name
        for name, module in unet.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
        and name.endswith(tuple(f".{layer}" for layer in layers))
        and (part == "all" or name.startswith("down_blocks."))
    ]
    unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, init_lora_weights=True, target_modules=targets))
