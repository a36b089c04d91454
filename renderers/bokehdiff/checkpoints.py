"""From a variant and a checkpoint's name to a pipeline with weights, and from a compact pipeline to files.

Nothing is loaded in place of absent weights.
"""

import copy
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ...core.errors import InvalidOptionError
from ..diffusion.configurations import read_configuration
from ..diffusion.stored_networks import load_network, naming_damage
from ..weights import SHARED_FILE, find_part
from .models.sdxl import load_sdxl
from .pipeline import BokehDiffPipeline
from .settings import PipelineSettings
from .variants import FULL_MODEL, VARIANTS
from .weight_files import SHARED_AUTOENCODER, SavedFiles, SdxlFiles, find_weights, label_weights

if TYPE_CHECKING:
    from ...core.diffusers import AutoencoderKL


@dataclass(frozen=True)
class Checkpoint:
    """A pipeline on the CPU and what a row says of its weights, see ``weight_files.label_weights``."""

    pipeline: BokehDiffPipeline
    label: str


def load_checkpoint(variant: str, checkpoint: str | None, dtype: torch.dtype) -> Checkpoint:
    """Find and load the weights of a variant: those shipped under its name, or those that ``checkpoint`` names.

    ``checkpoint``: None, ``sdxl`` or a folder, see ``weight_files``. Raises as ``load_pipeline``, and
    MissingWeightsError where there are none.
    """
    files = find_weights(variant, checkpoint, download=True)
    return Checkpoint(load_pipeline(files, variant, dtype), label_weights(files, variant))


def load_pipeline(files: SavedFiles | SdxlFiles, variant: str, dtype: torch.dtype) -> BokehDiffPipeline:
    """Load weights for a variant, on the CPU.

    The full model renders a folder's weights as they were trained. A variant renders them under its own switches (an
    ablation at test time), and the label then says what they were trained as; a variant that differs in its training
    only takes no weights that were trained otherwise.

    Raises MissingWeightsError where a file is absent or damaged, InvalidOptionError where they do not belong to the
    variant.
    """
    settings = _choose_settings(variant, files.settings)
    pipeline = load_saved(files.folder, dtype) if isinstance(files, SavedFiles) else load_sdxl(files, dtype)
    pipeline.configure(settings)
    return pipeline


def load_saved(folder: Path, dtype: torch.dtype) -> BokehDiffPipeline:
    """Load a folder written by ``save_compact`` or ``BokehDiffPipeline.save_pretrained``, on the CPU.

    The autoencoder is kept in float32 where it says ``force_upcast``, the colour encoder always. Raises
    MissingWeightsError where files are absent or damaged, InvalidOptionError where an entry or tensor of one is wrong.
    """
    autoencoder = find_part(folder, "vae")
    with naming_damage(folder):
        upcast = read_configuration(autoencoder / "config.json", "AutoencoderKL").get("force_upcast", True)
        vae = _load_autoencoder(autoencoder, torch.float32 if upcast else dtype)
        pipeline = BokehDiffPipeline.from_pretrained(folder, dtype, vae=vae)
    if pipeline.colour_encoder is not None:
        pipeline.colour_encoder.float()
    return pipeline


def save_compact(pipeline: BokehDiffPipeline, folder: Path, share_autoencoder: bool = True) -> None:
    """Write a compact model to ``folder`` in float16; the pipeline itself is left alone.

    ``share_autoencoder``: keep the autoencoder in ``autoencoder/`` beside ``folder``, once for all models there.
    Raises InvalidOptionError where that holds another one, before anything is written.
    """
    half = BokehDiffPipeline(
        vae=copy.deepcopy(pipeline.vae).half(),
        unet=copy.deepcopy(pipeline.unet).half(),
        scheduler=pipeline.scheduler,
        prompt=copy.deepcopy(pipeline.prompt).half(),
        settings=pipeline.active_settings.to_json(),
        colour_encoder=None if pipeline.colour_encoder is None else copy.deepcopy(pipeline.colour_encoder).half(),
    )
    for network in (half.vae, half.unet, half.prompt, half.colour_encoder):
        if network is not None:
            network.register_to_config(_name_or_path="")  # the folder it was loaded from stays out of published files
    if share_autoencoder:
        _share(half.vae, folder.resolve().parent / SHARED_AUTOENCODER)
    if half.colour_encoder is None:
        shutil.rmtree(folder / "colour_encoder", ignore_errors=True)  # a file that nothing reads would count in labels
    half.save_pretrained(folder)
    if share_autoencoder:
        shutil.rmtree(folder / "vae")
        (folder / SHARED_FILE).write_text(json.dumps({"vae": SHARED_AUTOENCODER}) + "\n")
    else:
        (folder / SHARED_FILE).unlink(missing_ok=True)


def _share(vae: "AutoencoderKL", folder: Path) -> None:
    """Write the autoencoder, or see that the one which is there already has the same weights."""
    if not (folder / "config.json").is_file():
        vae.save_pretrained(folder)
        return
    stored, own = _load_autoencoder(folder, vae.dtype).state_dict(), vae.state_dict()
    if stored.keys() != own.keys() or not all(torch.equal(stored[name], own[name].cpu()) for name in own):
        raise InvalidOptionError(
            f"{folder} holds another autoencoder, which other models may use: save without sharing it, or elsewhere"
        )


def _load_autoencoder(folder: Path, dtype: torch.dtype) -> "AutoencoderKL":
    from ...core.diffusers import AutoencoderKL  # here, as importing diffusers takes seconds

    return load_network(AutoencoderKL, folder, dtype)


def _choose_settings(variant: str, trained: PipelineSettings) -> PipelineSettings:
    """Return the settings to render with; the full model's are those of the training, whatever they were."""
    if variant in (FULL_MODEL, trained.trained_as):
        return trained
    if not VARIANTS[variant].differs_in_rendering:
        raise InvalidOptionError(
            f"{variant}: these weights were trained as {trained.trained_as}, and {variant} differs in its training"
            f" only: use {FULL_MODEL}@FOLDER"
        )
    return trained.as_variant(VARIANTS[variant])
