"""From a family's finished trainings to the folder of the weights that ship."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from ..core.files import write_json
from ..renderers.weights import RECORD_FILE
from .records import describe_training, require_finished

FIRST = "first"
"""The folder, in that of a training, of the one before, which it went on from."""


def ship_networks(
    trained: Path, files: Iterable[str], folder: Path, entries: Sequence[str], *, went_on: bool = True
) -> None:
    """Write networks to ``folder`` in half precision, with the record of their training and of its FIRST.

    ``files``: of weights, in the result of the training in ``trained``; ``entries``: see ``describe_training``;
    ``went_on``: whether that training went on from one in FIRST. Raises MissingWeightsError where a training is not
    finished.
    """
    if went_on:
        require_finished(trained / FIRST)
    require_finished(trained)
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        state = load_file(trained / "model" / file)
        save_file({name: tensor.to(torch.float16) for name, tensor in state.items()}, folder / file)
    first = describe_training(trained / FIRST, entries) if went_on else None
    write_json(folder / RECORD_FILE, describe_training(trained, entries, first))
