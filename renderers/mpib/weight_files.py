"""Which files MPIB's weights are. Imports no torch: a name costs nothing to check.

``mpib@FOLDER``: a clone of the authors' repository with ``mpinet.pth``, ``aupnet.pth`` and ``inpnet.pth`` in
``checkpoints/``, or in FOLDER itself. No weights ship: the authors' are not in their repository either.
"""

from dataclasses import dataclass
from pathlib import Path

from ...core.errors import InvalidOptionError, MissingWeightsError

NETWORKS = ("mpinet", "aupnet", "inpnet")
DOWNLOADS = "https://drive.google.com/drive/folders/13t9M4s9CnAYrjArhrLfJtQAH80Cnn2kF"
REMEDY = (
    f"run `git clone https://github.com/JuewenPeng/MPIB FOLDER`, put mpinet.pth, aupnet.pth and inpnet.pth from"
    f" {DOWNLOADS} into FOLDER/checkpoints, then use mpib@FOLDER"
)


@dataclass(frozen=True, kw_only=True)
class MpibFiles:
    """The three networks' files: planes, their enlargement, in-painting. ``folder``: where they lie."""

    name: str
    folder: Path
    mpinet: Path
    aupnet: Path
    inpnet: Path

    @property
    def paths(self) -> list[Path]:
        """Every file that decides about the pictures."""
        return [self.mpinet, self.aupnet, self.inpnet]


def find_files(checkpoint: str) -> MpibFiles:
    """Find the three networks' files in a folder.

    Raises InvalidOptionError where there is no such folder, MissingWeightsError that names the files which are absent.
    """
    folder = Path(checkpoint).expanduser()
    if not folder.is_dir():
        raise InvalidOptionError(f"mpib@{checkpoint}: no such folder: {REMEDY}")
    for home in (folder / "checkpoints", folder):
        paths = {network: home / f"{network}.pth" for network in NETWORKS}
        absent = [path.name for path in paths.values() if not path.is_file()]
        if not absent:
            return MpibFiles(name=folder.resolve().name, folder=home, **paths)
        if len(absent) < len(NETWORKS):
            raise MissingWeightsError(f"{home}: there is no {' and no '.join(absent)}: {REMEDY}")
    raise MissingWeightsError(f"mpib@{folder}: expected the files of three networks in checkpoints/: {REMEDY}")
