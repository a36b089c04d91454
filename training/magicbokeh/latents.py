"""Scenes with poor pictures as an autoencoder's latents: encoded once, kept beside the stored scenes.

Two kinds of files, each named after what decides it: the latents of the clean pictures and of the truths, and one file
a draw with those of poor pictures and of the base's pictures of them.
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
from ..scenes.shards import StoredScenes
from .config import MagicBokehConfig

LATENTS = {"clean": "z_clean", "target": "z_target", "image": "z", "base": "z_base"}
"""Pictures of a sample, and their latents' names: ``image`` is the poor one, ``clean`` what it was made of."""

CLEAN_MAPS = ("disparity", "focus_disparity", "blur_strength")
DIGITS = 16

Columns = dict[str, Tensor]


class PoorScenes(Dataset[Batch]):
    """Scenes as pictures: ``image`` poor, ``base`` the base's picture of that, ``clean`` what ``image`` was before."""

    def __init__(self, scenes: Dataset[Any], low_quality: LowQuality, base: str, seed: int):
        self._scenes = scenes
        self._degradations = low_quality, BasePicture(base)
        self._seed = seed

    def __getitem__(self, index: int) -> Batch:
        """Return one."""
        sample = self._scenes[index]
        return {**degrade(sample, self._degradations, self._seed), "clean": sample["image"]}


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

    def clean(index: int) -> Columns:
        sample = cast(Batch, scenes[index])
        maps = {name: sample[name].half() if name == "disparity" else sample[name] for name in CLEAN_MAPS}
        return maps | encode({"clean": sample["image"], "target": sample["target"]})

    paths = [_ensure(folder, "clean", decided, len(scenes), clean)]
    for draw in range(config.draws):
        poor = PoorScenes(scenes, config.low_quality, base, draw)
        identity = decided | config.low_quality.identity() | {"base": base, "draw": draw}

        def spoilt(index: int, poor: PoorScenes = poor) -> Columns:
            sample = poor[index]
            return encode({"image": sample["image"], "base": sample["base"]})

        paths.append(_ensure(folder, "poor", identity, len(scenes), spoilt))
    return ConcatDataset([EncodedScenes(paths[0], path, count=len(scenes)) for path in paths[1:]])


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
