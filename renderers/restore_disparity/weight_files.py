"""Which file the weights of ``restore-disparity`` are. Imports no torch: a name costs nothing to check.

``weights/`` beside this module for the name alone; ``restore-disparity@FOLDER``: what a training saved.
"""

from dataclasses import dataclass
from pathlib import Path

from ...core.errors import InvalidOptionError, MissingWeightsError
from ..weights import check_checkpoint, name_folder

NAME = "restore-disparity"
NETWORK_FILE = "network.safetensors"

SHIPPED = Path(__file__).parent / "weights"
"""The network that the stage computes with where no folder is named."""

TRAIN = (
    "`python -m bokehbench.training.restore_disparity.recipe --photographs DIR --cutouts DIR --output RUN` trains it;"
    f" then use {NAME}@RUN/network/model"
)
"""What to do where it is absent."""


@dataclass(frozen=True, kw_only=True)
class RestoreFiles:
    """The folder of a network."""

    name: str
    folder: Path

    @property
    def network(self) -> Path:
        """The weights."""
        return self.folder / NETWORK_FILE

    @property
    def paths(self) -> list[Path]:
        """Every file that decides about the maps."""
        return [self.network]


def find_files(checkpoint: str | None) -> RestoreFiles:
    """Find a network in a folder; None: the one that ships.

    Raises InvalidOptionError where there is no such folder, MissingWeightsError where it holds none.
    """
    if checkpoint is None:
        files = RestoreFiles(name=NAME, folder=SHIPPED)
    else:
        check_checkpoint(f"{NAME}@{checkpoint}", checkpoint)
        folder = Path(checkpoint).expanduser()
        if not folder.is_dir():
            raise InvalidOptionError(f"{NAME}@{checkpoint}: no such folder: {TRAIN}")
        files = RestoreFiles(name=name_folder(folder), folder=folder)
    if not files.network.is_file():
        raise MissingWeightsError(f"{files.network}: there is no such file: {TRAIN}")
    return files
