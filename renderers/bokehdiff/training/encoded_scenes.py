"""Stored scenes as an autoencoder's latents: encoded once, kept beside the scenes, shared by all trainings on them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from filelock import FileLock
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from ..pipeline import BokehDiffPipeline
from .stage import Batch
from .stored_scenes import StoredScenes

KEPT = ("disparity", "focus_disparity", "blur_strength", "index")


class EncodedScenes(Dataset[Batch]):
    """Samples with pictures as latents (``z``, ``z_target``, ``z_base``), read from one file, in float32."""

    def __init__(self, path: Path):
        self._file = safe_open(path, "pt")
        self._names = list(self._file.keys())

    def __len__(self) -> int:
        """Return how many there are."""
        return self._file.get_slice("index").get_shape()[0]

    def __getitem__(self, index: int) -> Batch:
        """Return one."""
        sample = {name: self._file.get_slice(name)[index] for name in self._names}
        return {name: value.float() if value.is_floating_point() else value for name, value in sample.items()}


def open_encoded(pipeline: BokehDiffPipeline, scenes: StoredScenes, folder: Path, precision: str) -> EncodedScenes:
    """Return ``scenes`` as latents, encoding them first unless ``folder`` has them, with a progress bar.

    The file is named after what decides it, the autoencoder's weights, the number of scenes and the ``precision`` of
    training (bf16 encodes in that, too); it appears whole or not at all. 16 channels of 64 x 64 px take 128 KiB.
    """
    path = folder / f"latents-{len(scenes)}-{precision}-{_hash_weights(pipeline)}.safetensors"
    with FileLock(path.with_suffix(".lock")):
        _ensure_encoded(path, pipeline, scenes, precision)
    return EncodedScenes(path)


def _ensure_encoded(path: Path, pipeline: BokehDiffPipeline, scenes: StoredScenes, precision: str) -> None:
    if not path.exists():
        columns: dict[str, list[Tensor]] = {}
        for index in tqdm(range(len(scenes)), desc="latents", unit="scene"):
            with torch.autocast(pipeline.unet.device.type, torch.bfloat16, enabled=precision == "bf16"):
                encoded = _encode(pipeline, scenes[index])
            for name, value in encoded.items():
                columns.setdefault(name, []).append(value)
        partial = path.with_suffix(".partial")
        save_file({name: torch.stack(values) for name, values in columns.items()}, partial)
        partial.replace(path)


@torch.no_grad()
def encode_pictures(pipeline: BokehDiffPipeline, batch: Mapping[str, Tensor]) -> Batch:
    """Return the latents of every picture in a batch: ``z``, ``z_target`` and, where there is a base, ``z_base``."""
    names = {"image": "z", "target": "z_target", "base": "z_base"}
    return {latent: pipeline.encode(batch[picture]) for picture, latent in names.items() if picture in batch}


def _encode(pipeline: BokehDiffPipeline, sample: Batch) -> Batch:
    batch = {name: value[None].to(pipeline.unet.device) for name, value in sample.items()}
    latents = {name: value[0].half().cpu() for name, value in encode_pictures(pipeline, batch).items()}
    kept = {name: sample[name].half() if sample[name].ndim == 3 else sample[name] for name in KEPT}
    return latents | kept


def _hash_weights(pipeline: BokehDiffPipeline) -> str:
    digest = hashlib.sha256()
    for value in pipeline.vae.state_dict().values():
        digest.update(value.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]
