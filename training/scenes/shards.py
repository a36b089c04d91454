"""Training scenes on disk, for machines that cannot trace them as fast as they train.

API: ``store_scenes(scenes, count, folder, description)`` writes what is missing, ``StoredScenes(folder)`` reads samples
back. What a model is told of them, a disparity with errors and a base renderer's picture, is stored in a folder of its
own beside them (``told_scenes``).

A folder holds shards ``scenes-<first index>.safetensors`` of SHARD samples: pictures as 8 bits, disparity as float16
(at 32 px of radius that is within 0.02 px). A shard appears whole or not at all, so that a killed run goes on with the
next.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

from ...core.errors import InvalidOptionError, MissingDataError
from ...core.files import write_atomically, write_json
from ..engine.batches import process_context

SHARD = 50
PICTURES = ("image", "target", "base")


def store_scenes(
    scenes: Dataset[dict[str, Tensor]],
    count: int,
    folder: Path,
    description: Mapping[str, Any],
    workers: int = 0,
) -> None:
    """Write samples 0 to ``count`` - 1 to ``folder``, with a progress bar; shards that are there are kept.

    ``description``: what decides the samples; it is kept as scenes.json. ``workers``: processes; they do not change the
    content. Raises InvalidOptionError where the folder holds scenes of another description.
    """
    _check_description(folder, description, write=True)
    starts = [first for first in range(0, count, SHARD) if not _shard(folder, first).exists()]
    indices = [index for first in starts for index in range(first, first + SHARD)]
    loader = DataLoader(
        Subset(scenes, indices), batch_size=None, num_workers=workers, multiprocessing_context=process_context(workers)
    )
    samples: list[dict[str, Tensor]] = []
    for sample in tqdm(loader, desc=f"scenes to {folder}", unit="scene", disable=not indices):
        samples.append(_pack(sample))
        if len(samples) == SHARD:
            first = int(samples[0]["index"])
            content = save({name: torch.stack([x[name] for x in samples]) for name in samples[0]})
            write_atomically(_shard(folder, first), lambda file, content=content: file.write(content))
            samples = []


class StoredScenes(Dataset[dict[str, Tensor]]):
    """Samples that ``store_scenes`` wrote, with pictures and disparity as float32 again.

    ``count``: use the first so many, None for all; ``description``: what they must have been stored with.
    Raises MissingDataError where the folder lacks some or cannot be read, InvalidOptionError where it holds others.
    """

    def __init__(self, folder: Path, count: int | None = None, description: Mapping[str, Any] | None = None):
        stored = len(list(folder.glob("scenes-*.safetensors")))
        if not stored:
            raise MissingDataError(f"{folder}: expected stored scenes (scenes-*.safetensors), found none")
        self._count = count or stored * SHARD
        self._shards = [_shard(folder, first) for first in range(0, self._count, SHARD)]
        absent = [shard.name for shard in self._shards if not shard.is_file()]
        if absent:
            raise MissingDataError(f"{folder}: lacks {absent[0]} of {self._count} stored scenes: store them again")
        if description is not None:
            _check_description(folder, description, write=False)
        self._files: dict[int, Any] = {}

    def __len__(self) -> int:
        """Return how many samples there are."""
        return self._count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return one sample as ``SyntheticScenes`` does."""
        shard, place = divmod(index, SHARD)
        try:
            if shard not in self._files:
                self._files[shard] = safe_open(self._shards[shard], "pt")
            file = self._files[shard]
            return unpack({name: file.get_slice(name)[place] for name in file.keys()})  # noqa: SIM118 - no mapping
        except Exception as error:
            raise MissingDataError(
                f"{self._shards[shard]}: cannot be read ({error}): remove it and store it again"
            ) from error


def unpack(sample: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a stored sample with pictures in [0,1] and disparity as float32."""
    return {
        name: value.float() / 255.0 if name in PICTURES else value.float() if value.dtype == torch.float16 else value
        for name, value in sample.items()
    }


def _pack(sample: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: (255.0 * value).round().to(torch.uint8)
        if name in PICTURES
        else value.half()
        if name.endswith("disparity") and value.ndim == 3
        else value
        for name, value in sample.items()
    }


def _shard(folder: Path, first: int) -> Path:
    return folder / f"scenes-{first:06d}.safetensors"


def _check_description(folder: Path, description: Mapping[str, Any], write: bool) -> None:
    path = folder / "scenes.json"
    wanted = json.loads(json.dumps(description))
    if not path.exists() and write:
        write_json(path, wanted)
        return
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MissingDataError(
            f"{path}: cannot be read ({error}): remove the folder and store its scenes again"
        ) from None
    different = sorted(k for k in stored.keys() | wanted.keys() if stored.get(k) != wanted.get(k))
    if different:
        raise InvalidOptionError(
            f"{folder}: holds scenes of other settings ({', '.join(different)}): choose another folder"
        )
