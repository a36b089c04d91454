"""Scenes with poor pictures as an autoencoder's latents: encoded once, kept beside the stored scenes.

A draw is all scenes with one poor picture each, flipped and turned its own way (``turn``): as the autoencoder's latents
cannot be turned, each draw has files of its own, named after what decides them: the latents of the clean pictures and
of the truths, and those of the poor pictures and of the base's pictures of them.
"""

import functools
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from filelock import FileLock
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset

from ...core.files import write_atomically
from ...core.progress import ProgressBar
from ...renderers.magicbokeh.autoencoder import CompactAutoencoder
from ..engine.task import Batch
from ..scenes.base_picture import BasePicture
from ..scenes.degraded import degrade
from ..scenes.low_quality import LowQuality
from ..scenes.open_files import OpenFiles, is_sound
from ..scenes.sample import TrainingSample
from ..scenes.shards import StoredScenes
from .config import MagicBokehConfig

LATENTS = {"clean": "z_clean", "target": "z_target", "image": "z", "base": "z_base"}
"""Pictures of a sample, and their latents' names: ``image`` is the poor one, ``clean`` what it was made of."""

CLEAN_MAPS = ("disparity", "focus_disparity", "blur_strength")
DIGITS = 16

TURNS = 8
"""Ways to flip and turn a square, of which the first leaves it as it is."""

Columns = dict[str, Tensor]


class PoorScenes(Dataset[Batch]):
    """Scenes as pictures: ``image`` poor, ``base`` the base's picture of that, ``clean`` what ``image`` was before.

    ``way``: how they are flipped and turned before, see ``turn``.
    """

    def __init__(self, scenes: Dataset[Any], low_quality: LowQuality, base: str, seed: int, way: int = 0):
        self._scenes = scenes
        self._degradations = low_quality, BasePicture(base)
        self._seed = seed
        self._way = way

    def __getitem__(self, index: int) -> Batch:
        """Return one."""
        sample = turn(self._scenes[index], self._way)
        poor = degrade(cast(TrainingSample, sample), self._degradations, self._seed)
        return cast(Batch, poor) | {"clean": sample["image"]}


class EncodedScenes(Dataset[Batch]):
    """Samples as latents, with disparity, focus and blur strength, of files that hold the same scenes; float32."""

    def __init__(self, *paths: Path, count: int):
        self._count = count
        self._files = OpenFiles(functools.partial(_check, count=count))
        self._columns = {name: path for path in paths for name in self._files[path].keys()}  # noqa: SIM118 - no mapping

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    def __getitem__(self, index: int) -> Batch:
        """Return one."""
        sample = {name: self._files[path].get_slice(name)[index] for name, path in self._columns.items()}
        return {name: value.float() if value.is_floating_point() else value for name, value in sample.items()}


def open_encoded(
    config: MagicBokehConfig, scenes: StoredScenes, autoencoder: CompactAutoencoder
) -> ConcatDataset[Batch]:
    """Return all draws of stored scenes as latents, encoding what their folder lacks, with a progress bar.

    A file appears whole or not at all. Four latents of 16 channels of 64 x 64 px take 512 KiB.
    """
    folder, base, encode = Path(str(config.data.stored)), config.settings.base, functools.partial(_encode, autoencoder)
    decided = {"autoencoder": config.settings.autoencoder, "disparity": config.data.disparity}

    def clean(index: int, way: int) -> Columns:
        sample = turn(cast(Batch, scenes[index]), way)
        maps = {name: sample[name].half() if name == "disparity" else sample[name] for name in CLEAN_MAPS}
        return maps | encode({"clean": sample["image"], "target": sample["target"]})

    def spoilt(index: int, poor: PoorScenes) -> Columns:
        sample = poor[index]
        return encode({"image": sample["image"], "base": sample["base"]})

    draws = []
    for draw in range(config.draws):
        way = draw % TURNS
        turned = decided | ({"way": way} if way else {})
        poor = PoorScenes(scenes, config.low_quality, base, draw, way)
        identity = turned | config.low_quality.identity() | {"base": base, "draw": draw}
        draws.append(
            EncodedScenes(
                _ensure(folder, "clean", turned, len(scenes), functools.partial(clean, way=way)),
                _ensure(folder, "poor", identity, len(scenes), functools.partial(spoilt, poor=poor)),
                count=len(scenes),
            )
        )
    return ConcatDataset(draws)


def turn(sample: Batch, way: int) -> Batch:
    """Return a sample with its pictures and maps mirrored, upside down, transposed: bits 0, 1 and 2 of ``way``."""
    axes = [axis for bit, axis in ((1, -1), (2, -2)) if way & bit]

    def one(value: Tensor) -> Tensor:
        if value.dim() < 3:
            return value
        return (value.flip(axes).mT if way & 4 else value.flip(axes)).contiguous()

    return {name: one(value) for name, value in sample.items()}


@torch.no_grad()
def encode_pictures(autoencoder: CompactAutoencoder, batch: Batch) -> Batch:
    """Return a batch of pictures (B,3,H,W) as latents, by the names of LATENTS: in float32, whatever trains."""
    pictures = {name: value for name, value in batch.items() if name in LATENTS}
    with torch.autocast(next(autoencoder.parameters()).device.type, enabled=False):
        return {LATENTS[name]: autoencoder.encode(picture) for name, picture in pictures.items()}


def _encode(autoencoder: CompactAutoencoder, pictures: dict[str, Tensor]) -> Columns:
    device = next(autoencoder.parameters()).device
    latents = encode_pictures(autoencoder, {name: value[None].to(device) for name, value in pictures.items()})
    return {name: value[0].half().cpu() for name, value in latents.items()}


def _ensure(folder: Path, kind: str, identity: dict[str, Any], count: int, encode: Callable[[int], Columns]) -> Path:
    """Return the file of what ``encode`` says of the scenes, which is written unless it is there."""
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:DIGITS]
    path = folder / f"{kind}-{count}-{digest}.safetensors"
    with FileLock(path.with_suffix(".lock")):
        if not is_sound(path, functools.partial(_check, count=count)):
            rows = [encode(index) for index in ProgressBar(range(count), desc=f"{kind} pictures", unit="scene")]
            columns = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
            columns["index"] = torch.arange(count)
            write_atomically(path, lambda file: save_file(columns, file.name))
    return path


def _check(path: Path, file: Any, count: int) -> None:
    """Raise ValueError unless an open file has what its kind needs of ``count`` scenes."""
    clean = path.name.startswith("clean")
    expected = {"index", *(("z_clean", "z_target", *CLEAN_MAPS) if clean else ("z", "z_base"))}
    names = set(file.keys())
    if names != expected:
        raise ValueError(f"expected {', '.join(sorted(expected))}, got {', '.join(sorted(names))}")
    for name in sorted(names):
        shape = file.get_slice(name).get_shape()
        if shape[0] != count or len(shape) != (4 if name.startswith("z") or name == "disparity" else 1):
            raise ValueError(f"{name}: expected {count} values or maps, got {shape}")
