"""Stored scenes as an autoencoder's latents: encoded once, kept beside the scenes, shared by all trainings on them."""

import functools
from pathlib import Path
from typing import Any, cast

import torch
from filelock import FileLock
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import Dataset

from ...core.files import write_atomically
from ...core.progress import ProgressBar
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ...renderers.bokehdiff.settings import BLURRED_COLOURS
from ..engine.task import Batch
from ..scenes.open_files import OpenFiles, is_sound
from ..scenes.shards import StoredScenes
from .digests import digest_encoder

LATENT_MAPS = ("z", "z_target", "z_base")
"""What lies on the latent's grid."""

STORED_MAPS = ("disparity", "focus_disparity", "blur_strength", "index")


class EncodedScenes(Dataset[Batch]):
    """Samples as the latents of a file, in float32; with the ``image`` too, where ``pictures`` has the same scenes."""

    def __init__(self, path: Path, pictures: StoredScenes | None = None):
        self._path, self._pictures = path, pictures
        self._files = OpenFiles(_check_columns)
        self._length = len(self._files[path].get_tensor("index"))

    def __len__(self) -> int:
        """Return how many there are."""
        return self._length

    def __getitem__(self, index: int) -> Batch:
        """Return one."""
        file = self._files[self._path]
        sample = {name: file.get_slice(name)[index] for name in file.keys()}  # noqa: SIM118 - no mapping
        if self._pictures is not None:
            sample["image"] = self._pictures[index]["image"]
        return {name: value.float() if value.is_floating_point() else value for name, value in sample.items()}


def open_encoded(pipeline: BokehDiffPipeline, scenes: StoredScenes, folder: Path, precision: str) -> EncodedScenes:
    """Return ``scenes`` as latents, encoding them first unless ``folder`` has them, with a progress bar.

    The file is named after what decides it: the number of scenes, the encoder's weights and the ``precision`` of
    training (bf16 encodes in that, too). It appears whole or not at all. 16 channels of 64 x 64 px take 128 KiB.
    ``blurred-colours`` is given the pictures, too.
    """
    path = folder / f"latents-{len(scenes)}-{precision}-{digest_encoder(pipeline.vae)}.safetensors"
    _ensure_encoded(path, pipeline, scenes, precision)
    return EncodedScenes(path, scenes if pipeline.active_settings.output_form == BLURRED_COLOURS else None)


@torch.no_grad()
def encode_scenes(pipeline: BokehDiffPipeline, batch: Batch) -> Batch:
    """Return a batch's latents (``LATENT_MAPS``; ``z_base`` where there is a base), with ``STORED_MAPS``."""
    names = {"image": "z", "target": "z_target", "base": "z_base"}
    latents = {latent: pipeline.encode(batch[picture]) for picture, latent in names.items() if picture in batch}
    return latents | {name: batch[name] for name in STORED_MAPS}


def _ensure_encoded(path: Path, pipeline: BokehDiffPipeline, scenes: StoredScenes, precision: str) -> None:
    with FileLock(path.with_suffix(".lock")):
        if is_sound(path, functools.partial(_check_count, count=len(scenes))):
            return
        columns: dict[str, list[Tensor]] = {}
        device = pipeline.unet.device
        for index in ProgressBar(range(len(scenes)), desc="latents", unit="scene"):
            sample = cast(Batch, scenes[index])
            batch = {name: value[None].to(device) for name, value in sample.items()}
            with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                encoded = encode_scenes(pipeline, batch)
            for name, value in encoded.items():
                columns.setdefault(name, []).append(value[0].half().cpu() if value.ndim == 4 else value[0].cpu())
        stacked = {name: torch.stack(values) for name, values in columns.items()}
        write_atomically(path, lambda file: save_file(stacked, file.name))


def _check_count(path: Path, file: Any, count: int) -> None:
    _check_columns(path, file)
    found = file.get_slice("index").get_shape()[0]
    if found != count:
        raise ValueError(f"expected {count} scenes, got {found}")


def _check_columns(path: Path, file: Any) -> None:
    """Raise ValueError unless an open file holds latents of the scenes from 0 on."""
    needed = {"z", "z_target", *STORED_MAPS}
    names = set(file.keys())
    if not needed <= names <= needed | {"z_base"}:
        raise ValueError(f"expected {', '.join(sorted(needed))}, got {', '.join(sorted(names))}")
    count = file.get_slice("index").get_shape()[0]
    if file.get_tensor("index").tolist() != list(range(count)):
        raise ValueError("expected the scenes from 0 on")
    for name in names:
        shape = file.get_slice(name).get_shape()
        if shape[0] != count or len(shape) != (4 if name in LATENT_MAPS or name == "disparity" else 1):
            raise ValueError(f"{name}: expected {count} values or maps, got {shape}")
