"""The state of an unfinished training on disk: everything a run needs to go on as if it had never stopped.

One file ``checkpoints/step-<n>.pt`` holds tensors, numbers and strings only, is read with ``weights_only=True``, and
appears whole or not at all. The two newest are kept.
"""

import math
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...core.errors import InvalidOptionError, MissingWeightsError
from ...core.files import regular, write_atomically
from .update import Update

CHECKPOINTS_KEPT = 2


class Checkpoints:
    """The checkpoints of one run in ``folder``; ``identity``: of the run, which tells them from another one's."""

    def __init__(self, folder: Path, identity: str):
        self._folder = folder
        self._identity = identity

    def save(self, step: int, seconds: float, update: Update) -> Path:
        """Write the state after ``step`` updates and remove all but the newest CHECKPOINTS_KEPT; return its file.

        ``seconds``: how long the training has taken. Raises CannotWriteError, which leaves the ones before.
        """
        state = update.state_dict() | {"identity": self._identity, "seconds": seconds, "step": step}
        write_atomically(self._path(step), lambda file: torch.save(state, file))
        for old in self._list()[:-CHECKPOINTS_KEPT]:
            old.unlink()
        return self._path(step)

    def load_newest(self, update: Update) -> tuple[int, float]:
        """Put the newest state into ``update``; return its step and seconds, zeros where there is none yet.

        Raises InvalidOptionError where the folder belongs to another run, MissingWeightsError for a damaged file.
        """
        paths = self._list()
        if not paths:
            return 0, 0.0
        newest = paths[-1]
        try:
            state = self._read(newest, update)
            update.load_state_dict(state)
        except (ValueError, TypeError, KeyError, RuntimeError) as error:
            use = "go on from the one before" if len(paths) > 1 else "begin again"
            reason = str(error).strip().partition("\n")[0]
            raise MissingWeightsError(f"{newest}: damaged checkpoint ({reason}): remove it to {use}") from error
        return state["step"], float(state["seconds"])

    def _read(self, path: Path, update: Update) -> dict[str, Any]:
        """Return the state, alike ``update``'s own. Raises ValueError where it is not."""
        try:
            with zipfile.ZipFile(regular(path)) as archive:
                torn = archive.testzip()  # PyTorch writes checksums, and does not compare them
            if torn is not None:
                raise ValueError(f"{torn} does not match its checksum")
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise ValueError(str(error) or type(error).__name__) from error
        if not isinstance(state, dict) or not isinstance(state.get("identity"), str):
            raise ValueError("expected the state of a training")
        if state["identity"] != self._identity:
            raise InvalidOptionError(
                f"{self._folder}: holds checkpoints of another configuration: choose another 'output' or remove them"
            )
        check_alike(state, update.state_dict() | {"identity": "", "seconds": 0.0, "step": 0}, "the state")
        if path != self._path(state["step"]) or state["seconds"] < 0.0:
            raise ValueError(f"step {state['step']}, {state['seconds']} seconds")
        return state

    def _path(self, step: int) -> Path:
        return self._folder / f"step-{step:08d}.pt"

    def _list(self) -> list[Path]:
        """Return the checkpoints, oldest first."""
        return sorted(self._folder.glob("step-*.pt"))


def check_alike(stored: Any, expected: Any, name: str) -> None:
    """Raise ValueError, which says where, unless ``stored`` has the structure of ``expected``.

    Names, lengths, types, and tensors' shapes and types are the same, and numbers are finite. The steps of an optimiser
    that has not stepped are empty: ``optimisers.check_moments`` sees to those that are loaded.
    """
    if type(stored) is not type(expected) and not (_is_number(stored) and _is_number(expected)):
        raise ValueError(f"{name}: expected {type(expected).__name__}, got {type(stored).__name__}")
    if isinstance(expected, Tensor):
        _check_tensor(stored, expected, name)
    elif isinstance(expected, dict):
        _check_names(stored, expected, name)
        for key, value in expected.items():
            steps = key == "state" and "param_groups" in expected and isinstance(stored[key], dict)
            check_alike(stored[key], stored[key] if steps else value, str(key))
    elif isinstance(expected, list | tuple):
        if len(stored) != len(expected):
            raise ValueError(f"{name}: expected {len(expected)} values, got {len(stored)}")
        for index, value in enumerate(expected):
            check_alike(stored[index], value, f"{name} {index}")
    elif _is_number(stored) and not math.isfinite(stored):
        raise ValueError(f"{name}: expected a finite number, got {stored}")


def _check_tensor(stored: Tensor, expected: Tensor, name: str) -> None:
    if (stored.shape, stored.dtype) != (expected.shape, expected.dtype):
        raise ValueError(f"{name}: expected {_describe(expected)}, got {_describe(stored)}")
    if stored.is_floating_point() and not bool(stored.isfinite().all()):
        raise ValueError(f"{name}: expected finite numbers")


def _check_names(stored: dict[Any, Any], expected: dict[Any, Any], name: str) -> None:
    for key in stored.keys() ^ expected.keys():
        raise ValueError(f"{name}: {'unknown' if key in stored else 'missing'} entry {key!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _describe(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
