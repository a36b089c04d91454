"""Training scenes on disk, for machines that cannot trace them as fast as they train.

API: ``store_scenes(scenes, count, folder, identity)`` writes what is missing, ``StoredScenes(folder)`` reads samples
back. Degraded ones (``degraded``) are stored in the same way, in a folder of their own.

A folder holds shards ``scenes-<first index>.safetensors`` of SHARD samples: pictures as 8 bits, disparity as float16
(at 32 px of radius that is within 0.02 px). A shard appears whole or not at all, so that a killed run goes on with the
next.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import save
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm import tqdm

from ...core.errors import InvalidOptionError, MissingDataError
from ...core.files import write_atomically, write_json
from ..engine.sampler import worker_options
from .open_files import OpenFiles
from .sample import TrainingSample

SHARD = 50
PICTURES = ("image", "target", "base")


def store_scenes(
    scenes: Dataset[Any],
    count: int,
    folder: Path,
    identity: Mapping[str, Any],
    workers: int = 0,
) -> None:
    """Write samples 0 to ``count`` - 1 to ``folder``, with a progress bar; shards that are there are kept.

    ``identity``: what decides the samples; it is kept as scenes.json. ``workers``: processes; they do not change the
    content. Raises InvalidOptionError where the folder holds scenes of another identity.
    """
    _check_identity(folder, identity, write=True)
    starts = [first for first in range(0, count, SHARD) if not _shard(folder, first).exists()]
    indices = [index for first in starts for index in range(first, first + SHARD)]
    loader = DataLoader(Subset(scenes, indices), batch_size=None, **worker_options(workers))
    samples: list[dict[str, Tensor]] = []
    for sample in tqdm(loader, desc=f"scenes to {folder}", unit="scene", disable=not indices):
        samples.append(_pack(sample))
        if len(samples) == SHARD:
            first = int(samples[0]["index"])
            content = save({name: torch.stack([x[name] for x in samples]) for name in samples[0]})
            write_atomically(_shard(folder, first), lambda file, content=content: file.write(content))
            samples = []


class StoredScenes(Dataset[TrainingSample]):
    """Samples that ``store_scenes`` wrote, with pictures and disparity as float32 again.

    ``count``: use the first so many, None for all; ``identity``: what they must have been stored with.
    Raises MissingDataError where the folder lacks some or cannot be read, InvalidOptionError where it holds others.
    """

    def __init__(self, folder: Path, count: int | None = None, identity: Mapping[str, Any] | None = None):
        stored = len(list(folder.glob("scenes-*.safetensors")))
        if not stored:
            raise MissingDataError(f"{folder}: expected stored scenes (scenes-*.safetensors), found none")
        self._count = count or stored * SHARD
        self._shards = [_shard(folder, first) for first in range(0, self._count, SHARD)]
        absent = [shard.name for shard in self._shards if not shard.is_file()]
        if absent:
            raise MissingDataError(f"{folder}: lacks {absent[0]} of {self._count} stored scenes: store them again")
        if identity is not None:
            _check_identity(folder, identity, write=False)
        self._files = OpenFiles()

    def __len__(self) -> int:
        """Return how many samples there are."""
        return self._count

    def __getitem__(self, index: int) -> TrainingSample:
        """Return one sample as ``SyntheticScenes`` does."""
        shard, place = divmod(index, SHARD)
        try:
            file = self._files[self._shards[shard]]
            return unpack({name: file.get_slice(name)[place] for name in file.keys()})  # noqa: SIM118 - no mapping
        except Exception as error:
            raise MissingDataError(
                f"{self._shards[shard]}: cannot be read ({error}): remove it and store it again"
            ) from error


def unpack(sample: Mapping[str, Tensor]) -> TrainingSample:
    """Return a stored sample with pictures in [0,1] and disparity as float32."""
    unpacked = {
        name: value.float() / 255.0 if name in PICTURES else value.float() if value.dtype == torch.float16 else value
        for name, value in sample.items()
    }
    return cast(TrainingSample, unpacked)


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


def _check_identity(folder: Path, identity: Mapping[str, Any], write: bool) -> None:
    path = folder / "scenes.json"
    wanted = json.loads(json.dumps(identity))
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
