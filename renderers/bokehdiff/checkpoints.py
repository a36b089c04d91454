"""From a name on the command line to a pipeline with weights: shipped ones, the authors' (``sdxl``), or a folder.

Nothing is ever loaded in place of weights that are absent.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError

from ..errors import InvalidOptionError, MissingWeightsError
from .pipeline import BokehDiffPipeline
from .sdxl import ADAPTER_FOLDER, LORA_FILE, is_adapter_folder, load_sdxl
from .shipped import INDEX, find_shipped
from .variants import FULL_MODEL, VARIANTS

AUTHORS = "sdxl"
"""The checkpoint's name for the authors' weights on the hub."""


@dataclass(frozen=True)
class Checkpoint:
    """A pipeline on the CPU and what a row says of its weights: name and first digits of the SHA-256 of its files."""

    pipeline: BokehDiffPipeline
    label: str


def load_checkpoint(variant: str, checkpoint: str | None, dtype: torch.dtype) -> Checkpoint:
    """Load the weights of a variant: those shipped under its name, or those that ``checkpoint`` names.

    ``checkpoint``: None, ``sdxl`` or a folder. The full model renders a folder's weights as they were trained. A
    variant renders them under its own switches (an ablation at test time), and the label then says what they were
    trained as; a variant that differs in its training only takes no weights that were trained otherwise.

    Raises MissingWeightsError where there are none, InvalidOptionError where they do not belong to the variant.
    """
    if checkpoint is None:
        pipeline, files, name = *_load_shipped(variant, dtype), variant
    elif checkpoint == AUTHORS:
        pipeline, files, name = *load_sdxl(dtype), AUTHORS
    else:
        folder = Path(checkpoint).expanduser()
        pipeline, files, name = *_load_folder(variant, folder, dtype), folder.resolve().name
    label = f"{name} {short_hash(files)}"
    trained_as = pipeline.active_settings.trained_as
    if trained_as != variant:
        label = f"{label}, trained as {trained_as}"
        _switch(pipeline, variant, f"{variant}@{checkpoint}")
    return Checkpoint(pipeline, label)


def load_saved(folder: Path, dtype: torch.dtype) -> tuple[BokehDiffPipeline, list[Path]]:
    """Load a folder written by ``BokehDiffPipeline.save_pretrained``; return it with its files.

    The autoencoder is kept in float32 where it says ``force_upcast``. Raises MissingWeightsError where files are absent
    or damaged.
    """
    try:
        upcast = json.loads((folder / "vae" / "config.json").read_text()).get("force_upcast", True)
        dtypes = {"default": dtype, "vae": torch.float32 if upcast else dtype}
        pipeline = BokehDiffPipeline.from_pretrained(folder, dtype=dtypes, use_safetensors=True, local_files_only=True)
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise MissingWeightsError(f"{folder}: not a complete BokehDiff checkpoint ({reason}): get it again") from error
    return pipeline, [folder / INDEX, *sorted(folder.glob("*/*.safetensors"))]


def short_hash(files: Sequence[Path]) -> str:
    """Return the first eight digits of the SHA-256 over the files' contents, in order."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:8]


def _load_shipped(variant: str, dtype: torch.dtype) -> tuple[BokehDiffPipeline, list[Path]]:
    folder = find_shipped(variant)
    pipeline, files = load_saved(folder, dtype)
    trained_as = pipeline.active_settings.trained_as
    if trained_as != variant:
        raise MissingWeightsError(
            f"{variant}: {folder} holds weights trained as {trained_as}: put the right ones there"
        )
    return pipeline, files


def _load_folder(variant: str, folder: Path, dtype: torch.dtype) -> tuple[BokehDiffPipeline, list[Path]]:
    if not folder.is_dir():
        raise MissingWeightsError(
            f"{variant}@{folder}: there is no such folder: expected '{AUTHORS}' or a folder of weights"
        )
    if _is_saved_pipeline(folder):
        return load_saved(folder, dtype)
    if is_adapter_folder(folder):
        return load_sdxl(dtype, folder)
    raise MissingWeightsError(
        f"{variant}@{folder}: expected a folder saved by BokehDiffPipeline, or one with {LORA_FILE} and vae.ckpt in"
        f" it or in {ADAPTER_FOLDER}/"
    )


def _is_saved_pipeline(folder: Path) -> bool:
    index = folder / INDEX
    return index.is_file() and f'"{BokehDiffPipeline.__name__}"' in index.read_text()


def _switch(pipeline: BokehDiffPipeline, variant: str, name: str) -> None:
    """Use the variant's switches on weights that were trained otherwise; the full model leaves them as trained."""
    if variant == FULL_MODEL:
        return
    settings = pipeline.active_settings
    if not VARIANTS[variant].differs_in_rendering:
        raise InvalidOptionError(
            f"{name}: these weights were trained as {settings.trained_as}, and {variant} differs in its training only:"
            f" use {FULL_MODEL}@FOLDER"
        )
    pipeline.configure(settings.as_variant(VARIANTS[variant]))
