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

from ...core.documents import read_mapping
from ...core.errors import DamagedDataError, InvalidOptionError, MissingDataError
from ...core.files import write_atomically, write_json
from ...core.progress import ProgressBar
from ..engine.sampler import worker_options
from .open_files import OpenFiles, is_sound
from .sample import TrainingSample

SHARD = 50
PICTURES = ("image", "target", "base")
DTYPES = {"disparity": "F16", "focus_disparity": "F32", "blur_strength": "F32", "index": "I64"}
"""As safetensors names them; pictures have ``U8``."""

NAMES = {"image", "target", *DTYPES}
"""What every shard holds; ``base`` may be there, too."""


def store_scenes(
    scenes: Dataset[Any],
    count: int,
    folder: Path,
    identity: Mapping[str, Any],
    workers: int = 0,
) -> None:
    """Write samples 0 to ``count`` - 1 to ``folder``, with a progress bar; shards that are there are kept.

    A damaged shard is made again, and named on stderr. ``identity``: what decides the samples; it is kept as
    scenes.json. ``workers``: processes; they do not change the content.
    Raises InvalidOptionError where the folder holds scenes of another identity.
    """
    _check_identity(folder, identity, write=True)
    starts = [first for first in range(0, count, SHARD) if not is_sound(_shard(folder, first), _check_shard)]
    indices = [index for first in starts for index in range(first, first + SHARD)]
    loader = DataLoader(Subset(scenes, indices), batch_size=None, **worker_options(workers))
    samples: list[dict[str, Tensor]] = []
    for sample in ProgressBar(loader, desc=f"scenes to {folder}", unit="scene", disable=not indices):
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
        self._files = OpenFiles(_check_shard)

    def __len__(self) -> int:
        """Return how many samples there are."""
        return self._count

    def __getitem__(self, index: int) -> TrainingSample:
        """Return one sample as ``SyntheticScenes`` does. Raises DamagedDataError naming the file."""
        shard, place = divmod(index, SHARD)
        file = self._files[self._shards[shard]]
        return unpack({name: file.get_slice(name)[place] for name in file.keys()})  # noqa: SIM118 - no mapping


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


def _check_shard(path: Path, file: Any) -> None:
    """Raise ValueError unless an open shard holds what ``store_scenes`` writes into one of this name."""
    names = set(file.keys())
    if not NAMES <= names <= NAMES | {"base"}:
        raise ValueError(f"expected {', '.join(sorted(NAMES))}, got {', '.join(sorted(names))}")
    kinds = {name: (file.get_slice(name).get_dtype(), file.get_slice(name).get_shape()) for name in names}
    size = kinds["image"][1][2:]
    for name, (dtype, shape) in kinds.items():
        expected = [SHARD, 3, *size] if name in PICTURES else [SHARD, 1, *size] if name == "disparity" else [SHARD]
        if shape != expected or dtype != DTYPES.get(name, "U8"):
            raise ValueError(f"{name}: expected {expected}, got {shape} of {dtype}")
    first = int(path.stem.rpartition("-")[2])
    if file.get_tensor("index").tolist() != list(range(first, first + SHARD)):
        raise ValueError(f"expected the scenes from {first} on")


def _shard(folder: Path, first: int) -> Path:
    return folder / f"scenes-{first:06d}.safetensors"


def _check_identity(folder: Path, identity: Mapping[str, Any], write: bool) -> None:
    path = folder / "scenes.json"
    wanted = json.loads(json.dumps(identity))
    if not path.exists() and write:
        write_json(path, wanted)
        return
    try:
        stored = read_mapping(path, "what decides the scenes")
    except DamagedDataError as error:
        raise DamagedDataError(f"{error}: remove the folder and store its scenes again") from error
    different = sorted(k for k in stored.keys() | wanted.keys() if stored.get(k) != wanted.get(k))
    if different:
        raise InvalidOptionError(
            f"{folder}: holds scenes of other settings ({', '.join(different)}): choose another folder"
        )
