"""Stored scenes as an autoencoder's latents: encoded once, kept beside the scenes, shared by all trainings on them."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from filelock import FileLock
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import Dataset

from ...core.files import write_atomically
from ...core.optics import GAMMA
from ...core.progress import ProgressBar
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ...renderers.bokehdiff.settings import BLURRED_COLOURS
from ..engine.task import Batch
from ..scenes.open_files import OpenFiles, is_sound
from ..scenes.shards import StoredScenes
from .digests import digest_encoder

LATENT_MAPS = ("z", "z_target", "z_base", "colours")
"""What lies on the latent's grid: latents of the pictures, and the tokens' mean colours in linear light."""

STORED_MAPS = ("disparity", "focus_disparity", "blur_strength", "index")


class EncodedScenes(Dataset[Batch]):
    """Samples as latents and maps of their size (``LATENT_MAPS``), in float32, of files that hold the same scenes."""

    def __init__(self, *paths: Path):
        self._files = OpenFiles(_check_columns)
        self._length = len(self._files[paths[0]].get_tensor("index"))
        self._columns = {name: path for path in paths for name in self._files[path].keys()}  # noqa: SIM118 - no mapping

    def __len__(self) -> int:
        """Return how many there are."""
        return self._length

    def __getitem__(self, index: int) -> Batch:
        """Return one."""
        sample = {name: self._files[path].get_slice(name)[index] for name, path in self._columns.items()}
        return {name: value.float() if value.is_floating_point() else value for name, value in sample.items()}


def open_encoded(pipeline: BokehDiffPipeline, scenes: StoredScenes, folder: Path, precision: str) -> EncodedScenes:
    """Return ``scenes`` as latents, encoding them first unless ``folder`` has them, with a progress bar.

    A file is named after what decides it: the number of scenes, and for latents the encoder's weights and the
    ``precision`` of training (bf16 encodes in that, too), for colours (of ``blurred-colours``) the size of a token and
    gamma. It appears whole or not at all. 16 channels of 64 x 64 px take 128 KiB.
    """
    paths = [folder / f"latents-{len(scenes)}-{precision}-{digest_encoder(pipeline.vae)}.safetensors"]
    _ensure_encoded(paths[0], pipeline, scenes, precision, _encode_pictures)
    if pipeline.active_settings.output_form == BLURRED_COLOURS:
        paths.append(folder / f"colours-{len(scenes)}-{pipeline.latent_pitch_px}px-gamma{GAMMA:g}.safetensors")
        _ensure_encoded(paths[1], pipeline, scenes, precision, _average_colours)
    return EncodedScenes(*paths)


@torch.no_grad()
def encode_scenes(pipeline: BokehDiffPipeline, batch: Batch) -> Batch:
    """Return what a batch of pictures is trained with: ``z``, ``z_target``, and what else the settings need."""
    return _encode_pictures(pipeline, batch) | _average_colours(pipeline, batch)


def _ensure_encoded(
    path: Path,
    pipeline: BokehDiffPipeline,
    scenes: StoredScenes,
    precision: str,
    encode: Callable[[BokehDiffPipeline, Batch], Batch],
) -> None:
    with FileLock(path.with_suffix(".lock")):
        if is_sound(path, functools.partial(_check_count, count=len(scenes))):
            return
        columns: dict[str, list[Tensor]] = {}
        device = pipeline.unet.device
        for index in ProgressBar(range(len(scenes)), desc=path.name.partition("-")[0], unit="scene"):
            sample = cast(Batch, scenes[index])
            batch = {name: value[None].to(device) for name, value in sample.items()}
            with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                encoded = encode(pipeline, batch)
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
    """Raise ValueError unless an open file holds latents or colours of the scenes from 0 on, as its name says."""
    needed = {"colours", "index"} if path.name.startswith("colours") else {"z", "z_target", *STORED_MAPS}
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


def _encode_pictures(pipeline: BokehDiffPipeline, batch: Batch) -> Batch:
    """Return ``z``, ``z_target`` and, where there is a base, ``z_base``, with whatever else is kept of a batch."""
    names = {"image": "z", "target": "z_target", "base": "z_base"}
    latents = {latent: pipeline.encode(batch[picture]) for picture, latent in names.items() if picture in batch}
    return latents | {name: batch[name] for name in STORED_MAPS}


def _average_colours(pipeline: BokehDiffPipeline, batch: Batch) -> Batch:
    """Return the tokens' ``colours``, where the output form builds on them."""
    colours = pipeline.token_colours(batch["image"])
    return {} if colours is None else {"colours": colours.linear, "index": batch["index"]}
