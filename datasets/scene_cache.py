"""Generated scenes on disk: a Hugging Face data set outside the tree, whole or absent."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from datasets import Dataset, Features, Value, load_from_disk  # type: ignore[attr-defined]
from datasets import Image as ImageColumn  # type: ignore[attr-defined]
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image

from ..renderers.errors import MissingDataError
from ..renderers.interface import Scene

# Mypy takes the package for our folder of the same name, hence the ignored imports.
CACHE_VARIABLE = "BOKEHBENCH_CACHE"
FEATURES = Features(
    {
        "name": Value("string"),
        "image": ImageColumn(),
        "target": ImageColumn(),
        "disparity": Value("binary"),
        "focus_disparity": Value("float64"),
        "blur_strength": Value("float64"),
        "gamma": Value("float64"),
        "recipe": Value("string"),
    }
)
"""Pictures are 8-bit PNG. Disparity is raw little-endian float32, row by row: exact, and needs no scale or codec."""


def cache_root() -> Path:
    """Return the folder of everything generated: $BOKEHBENCH_CACHE, or the user's cache folder of this system."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("bokehbench"))


def ensure_cached(folder: Path, generate: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
    """Write the rows of ``generate`` (as FEATURES) to ``folder`` unless it is there.

    The folder appears in one rename when everything is written: a killed run leaves a ``.partial`` folder that the next
    one clears away. A lock makes parallel processes wait for one of them to generate.
    Raises MissingDataError where the cache cannot be written.
    """
    if folder.is_dir():
        return
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            if folder.is_dir():
                return
            shutil.rmtree(partial, ignore_errors=True)
            rows = [dict(row) for row in generate()]
            Dataset.from_list(rows, features=FEATURES).save_to_disk(partial)
            partial.rename(folder)
    except OSError as error:
        raise MissingDataError(f"{folder}: cannot write the scenes: {error}: set {CACHE_VARIABLE}") from error


def open_cached(folder: Path) -> Dataset:
    """Open what ``ensure_cached`` wrote; rows are read when indexed.

    Raises MissingDataError naming a damaged folder.
    """
    try:
        return load_from_disk(str(folder))
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise _damaged(folder, error) from error


def encode_row(
    name: str,
    image: NDArray[np.float32],
    target: NDArray[np.float32],
    disparity: NDArray[np.float32],
    **columns: float | str,
) -> dict[str, Any]:
    """Return a row of FEATURES. ``image``, ``target``: (H,W,3) display-encoded, [0,1]; ``disparity``: (H,W)."""
    return {
        "name": name,
        "image": _to_picture(image),
        "target": _to_picture(target),
        "disparity": disparity.astype("<f4").tobytes(),
        **columns,
    }


def decode_row(row: Mapping[str, Any], folder: Path) -> Scene:
    """Return a row as a Scene with its target.

    Raises MissingDataError naming the folder where the row does not hold what was written.
    """
    try:
        image, target = _to_tensor(row["image"]), _to_tensor(row["target"])
        disparity = np.frombuffer(row["disparity"], "<f4").reshape(1, *image.shape[1:])
    except (OSError, ValueError) as error:
        raise _damaged(folder, error) from error
    return Scene(
        name=row["name"],
        image=image,
        disparity=torch.from_numpy(disparity.astype(np.float32)),
        focus_disparity=row["focus_disparity"],
        blur_strength=row["blur_strength"],
        gamma=row["gamma"],
        target=target,
    )


def _to_picture(image: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray(np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8))


def _to_tensor(picture: Image.Image) -> torch.Tensor:
    pixels = np.asarray(picture.convert("RGB"), np.float32) / np.float32(255.0)
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def _damaged(folder: Path, error: Exception) -> MissingDataError:
    return MissingDataError(f"{folder}: damaged ({error}): delete the folder, the next run generates it again")
