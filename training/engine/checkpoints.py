"""The state of an unfinished training on disk: everything a run needs to go on as if it had never stopped.

One file ``checkpoints/step-<n>.pt`` holds tensors, numbers and strings only, is read with ``weights_only=True``, and
appears whole or not at all. The two newest are kept.
"""

from pathlib import Path
from typing import Any

import torch

from ...core.errors import InvalidOptionError, MissingWeightsError
from ...core.files import write_atomically
from .update import Update

CHECKPOINTS_KEPT = 2


class Checkpoints:
    """The checkpoints of one run in ``folder``; ``identity``: of the run, which tells them from another one's."""

    def __init__(self, folder: Path, identity: str):
        self._folder = folder
        self._identity = identity

    def save(self, step: int, seconds: float, update: Update) -> None:
        """Write the state after ``step`` updates and remove all but the newest CHECKPOINTS_KEPT.

        ``seconds``: how long the training has taken.
        """
        state = update.state_dict() | {"identity": self._identity, "seconds": seconds, "step": step}
        write_atomically(self._folder / f"step-{step:08d}.pt", lambda file: torch.save(state, file))
        for old in self._list()[:-CHECKPOINTS_KEPT]:
            old.unlink()

    def load_newest(self, update: Update) -> tuple[int, float]:
        """Put the newest state into ``update``; return its step and seconds, zeros where there is none yet.

        Raises InvalidOptionError where the folder belongs to another run, MissingWeightsError for a damaged file.
        """
        paths = self._list()
        if not paths:
            return 0, 0.0
        state = self._read(paths[-1])
        update.load_state_dict(state)
        return int(state["step"]), float(state["seconds"])

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise MissingWeightsError(
                f"{path}: damaged checkpoint ({error}): remove it to use the one before"
            ) from error
        if state.get("identity") != self._identity:
            raise InvalidOptionError(
                f"{self._folder}: holds checkpoints of another configuration: choose another 'output' or remove them"
            )
        return state

    def _list(self) -> list[Path]:
        """Return the checkpoints, oldest first."""
        return sorted(self._folder.glob("step-*.pt"))
