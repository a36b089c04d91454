"""Which files BokehDiff's weights are, and what a row says of them. Imports no torch: a name costs nothing to check.

``bokehdiff`` and its variants take the weights shipped under their name; ``@sdxl`` the authors' from the hub;
``@FOLDER`` either a folder that ``BokehDiffPipeline.save_pretrained`` wrote, or one in the authors' formats:

- ``pytorch_lora_weights.safetensors``: the U-Net's LoRA in diffusers' format, and ``vae.ckpt`` (or
  ``vae.safetensors``): a partial state dict of the VAE, both there or in ``small/``;
- optionally ``settings.json`` beside them: ``PipelineSettings`` of a LoRA trained otherwise than the authors';
- optionally ``RealVisXL_V5.0/``: the backbone in diffusers' layout (the folder may also be the backbone itself).
  Without it the hub's is used;
- ``prompt/``, which is written on first use.

A saved pipeline may share its autoencoder with others: ``shared.json`` in place of ``vae/`` then names the folder that
holds it, ``{"vae": "autoencoder"}``, beside its own.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.errors import InvalidOptionError, MissingWeightsError
from ...core.fetch import NETWORK
from ..attention.physics import PisaPhysics
from ..diffusion.backbones import Backbone
from ..weights import LORA_FILE, RECORD_FILE, find_part, label_files, name_folder, read_index, read_object
from .settings import PipelineSettings
from .variants import FULL_MODEL, VARIANTS

SHIPPED = Path(__file__).parent / "weights"
"""One folder per variant, and the autoencoder that they share: written by ``checkpoints.save_compact``."""

SHARED_AUTOENCODER = "autoencoder"
INDEX = "model_index.json"
PIPELINE = "BokehDiffPipeline"
AUTHORS = "sdxl"
ADAPTERS = "zcx65535/bokehdiff"
ADAPTER_FOLDER = "small"
ENCODER_FILES = ("vae.safetensors", "vae.ckpt")
SETTINGS_FILE = "settings.json"

BACKBONE_REPOSITORY = "SG161222/RealVisXL_V5.0"
WITHOUT_ENCODER = "bokehdiff-fixed-encoder"

REMEDY = (
    f"with a network, run `hf download {ADAPTERS} --include '{ADAPTER_FOLDER}/*' --local-dir FOLDER` and"
    f" `hf download {BACKBONE_REPOSITORY} --include '*/*' --exclude '*.bin' --local-dir FOLDER/RealVisXL_V5.0`,"
    " then use bokehdiff@FOLDER"
)

BACKBONE = Backbone(title="an SDXL model", repository=BACKBONE_REPOSITORY, folder="RealVisXL_V5.0", remedy=REMEDY)

RELEASED_SETTINGS = PipelineSettings(physics=PisaPhysics.from_profile("code"), pooling="bilinear")
"""How the authors' weights were trained, but with distances in px along both axes: see ``PipelineSettings.pitch``."""


@dataclass(frozen=True, kw_only=True)
class SavedFiles:
    """A folder that ``BokehDiffPipeline.save_pretrained`` wrote, the settings it holds, and where its VAE lies."""

    name: str
    folder: Path
    autoencoder: Path
    settings: PipelineSettings

    @property
    def paths(self) -> list[Path]:
        """Every file that decides about the pictures."""
        own = sorted(path for path in self.folder.glob("*/*") if path.parent.name != "vae")
        parts = [*own, *sorted(path for path in self.autoencoder.glob("*") if path.name != RECORD_FILE)]
        return [self.folder / INDEX, *(path for path in parts if path.suffix in (".json", ".safetensors"))]


@dataclass(frozen=True, kw_only=True)
class SdxlFiles:
    """SDXL with a LoRA and, unless trained without, a VAE encoder; without either it is what training starts from.

    ``home``: the user's folder; None: the hub. Neither holds a record of training.
    """

    name: str
    home: Path | None
    backbone: Path
    lora: Path | None
    encoder: Path | None
    settings: PipelineSettings
    folder: None = None

    @property
    def paths(self) -> list[Path]:
        """Every file that decides about the pictures."""
        beside = [self.lora, self.encoder, None if self.lora is None else self.lora.with_name(SETTINGS_FILE)]
        return [*BACKBONE.all_files(self.backbone), *(path for path in beside if path is not None and path.is_file())]


def find_weights(variant: str, checkpoint: str | None, *, download: bool) -> SavedFiles | SdxlFiles:
    """Find the files of a variant's weights: those shipped, or those that ``checkpoint`` (``sdxl`` or a folder) names.

    ``download``: whether the hub may be asked for what is not in its cache. Raises MissingWeightsError that says what
    to get and where to put it, InvalidOptionError for a folder that is absent and for settings that cannot be read.
    """
    if checkpoint is None:
        return _find_shipped(variant)
    if checkpoint == AUTHORS:
        return _find_sdxl(AUTHORS, None, download)
    folder = checkpoint_folder(variant, checkpoint)
    if not folder.is_dir():
        raise MissingWeightsError(f"{variant}@{folder}: expected '{AUTHORS}' or a folder of weights, found a file")
    name = name_folder(folder)
    saved_by = _saved_by(folder)
    if saved_by == PIPELINE:
        return _saved_files(name, folder)
    if any((place / LORA_FILE).is_file() for place in (folder, folder / ADAPTER_FOLDER)):
        return _find_sdxl(name, folder, download)
    got = f", got one saved by {saved_by}" if saved_by else ""
    raise MissingWeightsError(
        f"{variant}@{folder}: expected a folder saved by {PIPELINE}, or one with {LORA_FILE} and vae.ckpt in it"
        f" or in {ADAPTER_FOLDER}/{got}"
    )


def checkpoint_folder(variant: str, checkpoint: str) -> Path:
    """Return the path that follows ``@``. Raises InvalidOptionError, as for a mistyped name, where there is none."""
    try:
        folder = Path(checkpoint).expanduser()
        there = os.path.lexists(folder)
    except (OSError, RuntimeError, ValueError) as error:  # of an unknown ~user, a zero byte
        raise InvalidOptionError(f"{variant}@{checkpoint}: no such folder ({error})") from error
    if not there:
        raise InvalidOptionError(f"{variant}@{folder}: no such folder: expected '{AUTHORS}' or a folder of weights")
    return folder


def label_weights(files: SavedFiles | SdxlFiles, variant: str) -> str:
    """Return what a row says: name, digits of a hash over the files, and what else they were trained as."""
    trained_as = files.settings.trained_as
    own = trained_as in (variant, VARIANTS[variant].weights)
    known = "" if trained_as in VARIANTS else ", a variant that is not known here"
    return label_files(files) + ("" if own else f", trained as {trained_as}{known}")


def _find_shipped(variant: str) -> SavedFiles:
    owner = VARIANTS[variant].weights or variant
    folder = SHIPPED / owner
    if _saved_by(folder) != PIPELINE:
        raise MissingWeightsError(
            f"{variant}: weights of this variant are not trained and shipped yet: use {variant}@FOLDER for weights of"
            f" your own, {FULL_MODEL}@{AUTHORS} for the authors', or classical"
        )
    files = _saved_files(owner, folder)
    if files.settings.trained_as != owner:
        raise MissingWeightsError(
            f"{folder} holds weights trained as {files.settings.trained_as}: put those of {owner} there"
        )
    return files


def _find_sdxl(name: str, home: Path | None, download: bool) -> SdxlFiles:
    adapters = _find_adapters(home, download)
    stated = adapters / SETTINGS_FILE
    settings = _read_settings(stated, read_object(stated)) if os.path.lexists(stated) else RELEASED_SETTINGS
    files = SdxlFiles(
        name=name,
        home=home,
        backbone=BACKBONE.find(home, download),
        lora=adapters / LORA_FILE,
        encoder=_find_encoder(adapters, settings),
        settings=settings,
    )
    BACKBONE.all_files(files.backbone)  # a network that is absent is found now
    return files


def _find_adapters(home: Path | None, download: bool) -> Path:
    if home is None:
        needed = [f"{ADAPTER_FOLDER}/{name}" for name in (LORA_FILE, ENCODER_FILES[-1])]
        return NETWORK.fetch_repository(ADAPTERS, needed, REMEDY, needed=needed, download=download) / ADAPTER_FOLDER
    return home if (home / LORA_FILE).is_file() else home / ADAPTER_FOLDER


def _find_encoder(adapters: Path, settings: PipelineSettings) -> Path | None:
    for name in ENCODER_FILES:
        if (adapters / name).is_file():
            return adapters / name
    if settings.trained_as == WITHOUT_ENCODER:
        return None
    raise MissingWeightsError(f"{adapters}: lacks {' or '.join(ENCODER_FILES)}, the trained VAE encoder: {REMEDY}")


def _saved_by(folder: Path) -> str | None:
    """Return the class that saved a folder in diffusers' layout, None where none did."""
    index = folder / INDEX
    return str(read_object(index).get("_class_name")) if os.path.lexists(index) else None


def _saved_files(name: str, folder: Path) -> SavedFiles:
    settings = _read_settings(folder / INDEX, read_index(folder / INDEX)["settings"])
    return SavedFiles(name=name, folder=folder, autoencoder=find_part(folder, "vae"), settings=settings)


def _read_settings(path: Path, values: Any) -> PipelineSettings:
    try:
        return PipelineSettings.from_json(values)
    except InvalidOptionError as error:
        raise InvalidOptionError(f"{path}: {error}") from error
