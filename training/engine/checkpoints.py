"""The state of an unfinished training on disk: everything a run needs to go on as if it had never stopped.

One file ``checkpoints/step-<n>.pt`` holds tensors, numbers and strings only, is read with ``weights_only=True``, and
appears whole or not at all. The two newest are kept.
"""

from pathlib import Path
from typing import Any

import torch

from ...core.errors import InvalidOptionError, MissingWeightsError
from ...core.files import write_atomically

CHECKPOINTS_KEPT = 2


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> None:
    """Write the state after ``step`` updates and remove all but the newest CHECKPOINTS_KEPT."""
    write_atomically(folder / f"step-{step:08d}.pt", lambda file: torch.save(state | {"step": step}, file))
    for old in list_checkpoints(folder)[:-CHECKPOINTS_KEPT]:
        old.unlink()


def load_newest_checkpoint(folder: Path, identity: str) -> dict[str, Any] | None:
    """Return the newest state, on the CPU; None where there is none yet.

    ``identity``: of the run, as it was saved under that name. Raises InvalidOptionError where the folder belongs to
    another run, MissingWeightsError for a damaged file.
    """
    paths = list_checkpoints(folder)
    if not paths:
        return None
    try:
        state = torch.load(paths[-1], map_location="cpu", weights_only=True)
    except Exception as error:
        raise MissingWeightsError(
            f"{paths[-1]}: damaged checkpoint ({error}): remove it to use the one before"
        ) from error
    if state.get("identity") != identity:
        raise InvalidOptionError(
            f"{folder}: holds checkpoints of another configuration: choose another 'output' or remove them"
        )
    return state


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints, oldest first."""
    return sorted(folder.glob("step-*.pt"))
