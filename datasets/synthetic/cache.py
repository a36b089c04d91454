"""Generated scenes on disk: each is a parquet shard of its own, whole or absent, outside the tree.

A folder of them is a Hugging Face data set: ``datasets.load_dataset(folder)`` reads it, and it can be pushed to the hub
as it is.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import torch
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image

from ...core.atomic_files import write_atomically
from ...core.errors import DISK_FULL, CannotWriteError, DamagedDataError, MissingDataError
from ...core.scene import Scene
from ..files.user_cache import CACHE_VARIABLE, cache_root

COLUMNS = {
    "name": "string",
    "image": "picture",
    "target": "picture",
    "disparity": "binary",
    "focus_disparity": "float64",
    "blur_strength": "float64",
    "gamma": "float64",
    "recipe": "string",
    "digest": "string",
}
"""Pictures are 8-bit PNG. Disparity is raw little-endian float32, row by row: exact, and needs no scale or codec.

``digest``: of all other columns, since neither parquet nor the disparity has a checksum.
"""

FORMAT = 2
"""Of the rows: scenes in the cache that are stored otherwise are generated again."""


def make_schema() -> pyarrow.Schema:
    """Return the schema of COLUMNS as ``datasets.Features`` has it, which takes more than half a second to import."""
    picture = pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()})
    types = {name: picture if kind == "picture" else pyarrow.type_for_alias(kind) for name, kind in COLUMNS.items()}
    features = {
        name: {"_type": "Image"} if kind == "picture" else {"dtype": kind, "_type": "Value"}
        for name, kind in COLUMNS.items()
    }
    return pyarrow.schema(types, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def cache_folder(name: str, version: str) -> Path:
    """Return where a data set's generated scenes lie in the user's cache."""
    return cache_root() / name / f"{version}.{FORMAT}"


def remove_earlier(name: str, version: str) -> None:
    """Remove a data set's scenes in the cache that are stored as they were before formats had numbers."""
    shutil.rmtree(cache_root() / name / version, ignore_errors=True)


def shard_path(folder: Path, index: int, count: int) -> Path:
    """Return where scene ``index`` of ``count`` lies in a data set's folder, named as the hub names shards."""
    return folder / "data" / f"test-{index:05d}-of-{count:05d}.parquet"


def is_stored(path: Path) -> bool:
    """Whether a scene is there, and not as versions before the digests stored it; a damaged one is there."""
    return path.is_file() and not _is_earlier(path)


def _is_earlier(path: Path) -> bool:
    try:
        return "digest" not in pyarrow.parquet.read_schema(path).names
    except (OSError, ValueError):  # damaged: ``read_shard`` says how
        return False


def ensure_shard(path: Path, generate: Callable[[], Mapping[str, Any]]) -> None:
    """Write the row of ``generate`` (as COLUMNS) to ``path`` unless it is there, as ``is_stored`` sees it.

    The file appears in one rename when everything is written, so that a killed run leaves no half of it. A lock makes
    parallel processes wait for one of them to generate. Raises MissingDataError where the folder cannot be written,
    CannotWriteError where its disk is full.
    """
    if is_stored(path):
        return
    lock = path.with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            if not is_stored(path):
                row = dict(generate())
                row["digest"] = _digest(row)
                table = pyarrow.Table.from_pylist([row], schema=make_schema())
                write_atomically(path, lambda file: pyarrow.parquet.write_table(table, file, compression="zstd"))
        lock.unlink(missing_ok=True)  # who still waits for it finds the shard
    except (OSError, CannotWriteError) as error:
        cause = error.error if isinstance(error, CannotWriteError) else error
        if cause.errno in DISK_FULL:
            cached = path.is_relative_to(cache_root())
            raise CannotWriteError(path, cause, CACHE_VARIABLE if cached else "") from error
        raise MissingDataError(f"{path}: cannot write the scene: {cause}: set {CACHE_VARIABLE}") from error


def read_shard(path: Path, name: str) -> Scene:
    """Read the scene ``name``. Raises MissingDataError, DamagedDataError naming the file.

    A file that holds another scene, or anything but what ``ensure_shard`` wrote, is damaged.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: this scene is not generated yet")
    try:
        rows = pyarrow.parquet.read_table(path).to_pylist()
        (row,) = rows
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise _damaged(path, error) from error
    if "digest" not in row:
        raise DamagedDataError(f"{path}: stored by an earlier version: give the command with --output DIR again")
    if row.get("digest") != _digest(row) or row.get("name") != name:
        raise _damaged(path, ValueError(f"expected the scene {name}, as it was generated"))
    return decode_row(row, path)


def encode_row(
    name: str,
    image: NDArray[np.float32],
    target: NDArray[np.float32],
    disparity: NDArray[np.float32],
    **columns: float | str,
) -> dict[str, Any]:
    """Return a row of COLUMNS. ``image``, ``target``: (H,W,3) display-encoded, [0,1]; ``disparity``: (H,W)."""
    return {
        "name": name,
        "image": _to_picture(image),
        "target": _to_picture(target),
        "disparity": disparity.astype("<f4").tobytes(),
        **columns,
    }


def decode_row(row: Mapping[str, Any], path: Path) -> Scene:
    """Return a row as a Scene with its target.

    Raises DamagedDataError naming the file where the row does not hold what was written.
    """
    try:
        image, target = _to_tensor(row["image"]), _to_tensor(row["target"])
        disparity = np.frombuffer(row["disparity"], "<f4").reshape(1, *image.shape[1:])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    return Scene(
        name=row["name"],
        image=image,
        disparity=torch.from_numpy(disparity.astype(np.float32)),
        focus_disparity=row["focus_disparity"],
        blur_strength=row["blur_strength"],
        gamma=row["gamma"],
        target=target,
    )


def _digest(row: Mapping[str, Any]) -> str:
    """Return the SHA-256 over a row's columns, in the order of COLUMNS, but its own."""
    digest = hashlib.sha256()
    for column in COLUMNS:
        value = row.get(column) if column != "digest" else None
        content = value["bytes"] if isinstance(value, Mapping) else value
        digest.update(content if isinstance(content, bytes) else repr(content).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _to_picture(image: NDArray[np.float32]) -> dict[str, Any]:
    content = io.BytesIO()
    Image.fromarray(np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)).save(content, "PNG", compress_level=1)
    return {"bytes": content.getvalue(), "path": None}


def _to_tensor(picture: Mapping[str, Any]) -> torch.Tensor:
    with Image.open(io.BytesIO(picture["bytes"])) as image:
        pixels = np.asarray(image.convert("RGB"), np.float32) / np.float32(255.0)
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def _damaged(path: Path, error: Exception) -> DamagedDataError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return DamagedDataError(f"{path}: damaged ({reason}): delete it, the next run generates it again")
