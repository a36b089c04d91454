"""From a variant and a checkpoint's name to a pipeline with weights; nothing is loaded in place of absent ones."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError

from ..errors import InvalidOptionError, MissingWeightsError
from .pipeline import BokehDiffPipeline
from .sdxl import load_sdxl
from .settings import PipelineSettings
from .variants import FULL_MODEL, VARIANTS
from .weight_files import SavedFiles, find_weights, label_weights


@dataclass(frozen=True)
class Checkpoint:
    """A pipeline on the CPU and what a row says of its weights, see ``weight_files.label_weights``."""

    pipeline: BokehDiffPipeline
    label: str


def load_checkpoint(variant: str, checkpoint: str | None, dtype: torch.dtype) -> Checkpoint:
    """Load the weights of a variant: those shipped under its name, or those that ``checkpoint`` names.

    ``checkpoint``: None, ``sdxl`` or a folder, see ``weight_files``. The full model renders a folder's weights as they
    were trained. A variant renders them under its own switches (an ablation at test time), and the label then says what
    they were trained as; a variant that differs in its training only takes no weights that were trained otherwise.

    Raises MissingWeightsError where there are none, InvalidOptionError where they do not belong to the variant.
    """
    files = find_weights(variant, checkpoint, download=True)
    settings = _choose_settings(variant, files.settings)
    pipeline = load_saved(files.folder, dtype) if isinstance(files, SavedFiles) else load_sdxl(files, dtype)
    pipeline.configure(settings)
    return Checkpoint(pipeline, label_weights(files, variant))


def load_saved(folder: Path, dtype: torch.dtype) -> BokehDiffPipeline:
    """Load a folder written by ``BokehDiffPipeline.save_pretrained``, on the CPU.

    The autoencoder is kept in float32 where it says ``force_upcast``. Raises MissingWeightsError where files are absent
    or damaged.
    """
    try:
        upcast = json.loads((folder / "vae" / "config.json").read_text()).get("force_upcast", True)
        dtypes = {"default": dtype, "vae": torch.float32 if upcast else dtype}
        return BokehDiffPipeline.from_pretrained(folder, dtype=dtypes, use_safetensors=True, local_files_only=True)
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise MissingWeightsError(f"{folder}: not a complete BokehDiff checkpoint ({reason}): get it again") from error


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
