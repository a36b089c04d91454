"""Which files a renderer's weights are, and what a row says of them. Imports no torch: a name costs nothing to check.

``bokehdiff`` and its variants take the weights shipped under their name; ``@sdxl`` the authors' from the hub;
``@FOLDER`` either a folder that ``BokehDiffPipeline.save_pretrained`` wrote, or one in the authors' formats:

- ``pytorch_lora_weights.safetensors``: the U-Net's LoRA in diffusers' format, and ``vae.ckpt`` (or
  ``vae.safetensors``): a partial state dict of the VAE, both there or in ``small/``;
- optionally ``settings.json`` beside them: ``PipelineSettings`` of a LoRA trained otherwise than the authors';
- optionally ``RealVisXL_V5.0/``: the backbone in diffusers' layout (the folder may also be the backbone itself).
  Without it the hub's is used;
- ``prompt/``, which is written on first use.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InvalidOptionError, MissingWeightsError
from .hub import fetch_repository
from .physics import PisaPhysics
from .settings import PipelineSettings
from .variants import FULL_MODEL

SHIPPED = Path(__file__).parent / "weights"
"""One folder per variant, written by ``BokehDiffPipeline.save_pretrained`` in float16."""

INDEX = "model_index.json"
AUTHORS = "sdxl"
BACKBONE = "SG161222/RealVisXL_V5.0"
ADAPTERS = "zcx65535/bokehdiff"
ADAPTER_FOLDER = "small"
LORA_FILE = "pytorch_lora_weights.safetensors"
ENCODER_FILES = ("vae.safetensors", "vae.ckpt")
SETTINGS_FILE = "settings.json"
MODEL_FILES = ("unet/config.json", "vae/config.json", "scheduler/scheduler_config.json")
NETWORKS = ("unet", "vae")
NETWORK_FILE = "diffusion_pytorch_model"
WITHOUT_ENCODER = "bokehdiff-fixed-encoder"

REMEDY = (
    f"with a network, run `hf download {ADAPTERS} --include '{ADAPTER_FOLDER}/*' --local-dir FOLDER` and"
    f" `hf download {BACKBONE} --include '*/*' --exclude '*.bin' --local-dir FOLDER/RealVisXL_V5.0`,"
    " then use bokehdiff@FOLDER"
)

RELEASED_SETTINGS = PipelineSettings(physics=PisaPhysics.from_profile("code"), pooling="bilinear")
"""How the authors' weights were trained, but with distances in px along both axes: see ``PipelineSettings.pitch``."""


@dataclass(frozen=True, kw_only=True)
class SavedFiles:
    """A folder that ``BokehDiffPipeline.save_pretrained`` wrote, and the settings it holds."""

    name: str
    folder: Path
    settings: PipelineSettings

    @property
    def paths(self) -> list[Path]:
        """Every file that decides about the pictures."""
        parts = (path for path in self.folder.glob("*/*") if path.suffix in (".json", ".safetensors"))
        return [self.folder / INDEX, *sorted(parts)]


@dataclass(frozen=True, kw_only=True)
class SdxlFiles:
    """SDXL with a LoRA and, unless trained without, a VAE encoder. ``home``: the user's folder; None: the hub."""

    name: str
    home: Path | None
    backbone: Path
    lora: Path
    encoder: Path | None
    settings: PipelineSettings

    @property
    def paths(self) -> list[Path]:
        """Every file that decides about the pictures."""
        beside = [self.encoder, self.lora.with_name(SETTINGS_FILE)]
        networks = [path for part in NETWORKS for path in network_files(self.backbone, part)]
        configurations = [self.backbone / path for path in MODEL_FILES]
        return [
            *configurations,
            *networks,
            self.lora,
            *(path for path in beside if path is not None and path.is_file()),
        ]


def find_weights(variant: str, checkpoint: str | None, *, download: bool) -> SavedFiles | SdxlFiles:
    """Find the files of a variant's weights: those shipped, or those that ``checkpoint`` (``sdxl`` or a folder) names.

    ``download``: whether the hub may be asked for what is not in its cache. Raises MissingWeightsError that says what
    to get and where to put it, InvalidOptionError for settings that cannot be read.
    """
    if checkpoint is None:
        return _find_shipped(variant)
    if checkpoint == AUTHORS:
        return _find_sdxl(AUTHORS, None, download)
    folder = Path(checkpoint).expanduser()
    if not folder.is_dir():
        raise MissingWeightsError(f"{variant}@{folder}: no such folder: expected '{AUTHORS}' or a folder of weights")
    name = folder.resolve().name
    if _is_saved_pipeline(folder):
        return SavedFiles(name=name, folder=folder, settings=_saved_settings(folder))
    if any((place / LORA_FILE).is_file() for place in (folder, folder / ADAPTER_FOLDER)):
        return _find_sdxl(name, folder, download)
    raise MissingWeightsError(
        f"{variant}@{folder}: expected a folder saved by BokehDiffPipeline, or one with {LORA_FILE} and vae.ckpt in it"
        f" or in {ADAPTER_FOLDER}/"
    )


def label_weights(files: SavedFiles | SdxlFiles, variant: str) -> str:
    """Return what a row says: name, first digits of the SHA-256 over all files, and what else they were trained as."""
    digest = hashlib.sha256("".join(_sha256(path) for path in files.paths).encode()).hexdigest()
    trained_as = files.settings.trained_as
    return f"{files.name} {digest[:8]}" + ("" if trained_as == variant else f", trained as {trained_as}")


def network_files(backbone: Path, part: str) -> list[Path]:
    """Return the safetensors of a network in diffusers' layout: in full precision, else in half.

    Raises MissingWeightsError where there are none.
    """
    files = sorted((backbone / part).glob(f"{NETWORK_FILE}*.safetensors"))
    if not files:
        raise MissingWeightsError(f"{backbone / part}: no {NETWORK_FILE}*.safetensors: {REMEDY}")
    return [path for path in files if ".fp16" not in path.name] or files


def _find_shipped(variant: str) -> SavedFiles:
    folder = SHIPPED / variant
    if not _is_saved_pipeline(folder):
        raise MissingWeightsError(
            f"{variant}: weights of this variant are not trained and shipped yet: use {variant}@FOLDER for weights of"
            f" your own, {FULL_MODEL}@{AUTHORS} for the authors', or classical"
        )
    settings = _saved_settings(folder)
    if settings.trained_as != variant:
        raise MissingWeightsError(
            f"{folder} holds weights trained as {settings.trained_as}: put those of {variant} there"
        )
    return SavedFiles(name=variant, folder=folder, settings=settings)


def _find_sdxl(name: str, home: Path | None, download: bool) -> SdxlFiles:
    adapters = _find_adapters(home, download)
    settings = _read_settings(adapters / SETTINGS_FILE)
    files = SdxlFiles(
        name=name,
        home=home,
        backbone=_find_backbone(home, download),
        lora=adapters / LORA_FILE,
        encoder=_find_encoder(adapters, settings),
        settings=settings,
    )
    for part in NETWORKS:
        network_files(files.backbone, part)
    return files


def _find_adapters(home: Path | None, download: bool) -> Path:
    if home is None:
        needed = [f"{ADAPTER_FOLDER}/{name}" for name in (LORA_FILE, ENCODER_FILES[-1])]
        return fetch_repository(ADAPTERS, needed, needed, REMEDY, download=download) / ADAPTER_FOLDER
    return home if (home / LORA_FILE).is_file() else home / ADAPTER_FOLDER


def _find_backbone(home: Path | None, download: bool) -> Path:
    for place in () if home is None else (home / "RealVisXL_V5.0", home):
        if any((place / path).is_file() for path in MODEL_FILES):
            absent = [path for path in MODEL_FILES if not (place / path).is_file()]
            if absent:
                raise MissingWeightsError(f"{place}: an SDXL model lacks {', '.join(absent)}: {REMEDY}")
            return place
    needed = [*MODEL_FILES, *(f"{part}/{NETWORK_FILE}.safetensors" for part in NETWORKS)]
    return fetch_repository(BACKBONE, needed, needed, REMEDY, download=download)


def _find_encoder(adapters: Path, settings: PipelineSettings) -> Path | None:
    for name in ENCODER_FILES:
        if (adapters / name).is_file():
            return adapters / name
    if settings.trained_as == WITHOUT_ENCODER:
        return None
    raise MissingWeightsError(f"{adapters}: lacks {' or '.join(ENCODER_FILES)}, the trained VAE encoder: {REMEDY}")


def _is_saved_pipeline(folder: Path) -> bool:
    return (folder / INDEX).is_file() and '"BokehDiffPipeline"' in (folder / INDEX).read_text()


def _saved_settings(folder: Path) -> PipelineSettings:
    return PipelineSettings.from_json(_read_json(folder / INDEX).get("settings", {}))


def _read_settings(path: Path) -> PipelineSettings:
    return PipelineSettings.from_json(_read_json(path)) if path.is_file() else RELEASED_SETTINGS


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise InvalidOptionError(f"{path}: not JSON ({error}): get it again") from error


def _sha256(path: Path) -> str:
    """Hash a file. The hub's cache names large files by their SHA-256, which saves reading 10 GB."""
    name = path.resolve().name
    if path.is_symlink() and path.resolve().parent.name == "blobs" and re.fullmatch("[0-9a-f]{64}", name):
        return name
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
