"""Which files BokehMe's weights are. Imports no torch: a name costs nothing to check.

``bokehme`` takes the networks that ship, trained by this project; ``bokehme@FOLDER``

- a clone of the authors' repository: ``checkpoints/arnet.pth`` and ``checkpoints/iunet.pth`` (or both in FOLDER);
- what a training saved: ``arnet.safetensors`` and ``iunet.safetensors``.
"""

from dataclasses import dataclass
from pathlib import Path

from ...core.errors import InvalidOptionError, MissingWeightsError
from ..weights import name_folder

SHIPPED = Path(__file__).parent / "weights"
"""Networks of the paper's layout, trained by this project. The authors' are not among them."""

NETWORKS = ("arnet", "iunet")
SUFFIXES = (".safetensors", ".pth")
REMEDY = "run `git clone https://github.com/JuewenPeng/BokehMe FOLDER`, then use bokehme@FOLDER"


@dataclass(frozen=True, kw_only=True)
class BokehMeFiles:
    """The two networks' files. ``folder``: where a record of their training may lie."""

    name: str
    folder: Path
    arnet: Path
    iunet: Path

    @property
    def paths(self) -> list[Path]:
        """Every file that decides about the pictures."""
        return [self.arnet, self.iunet]


def find_files(checkpoint: str | None) -> BokehMeFiles:
    """Find both networks' files in a folder; None: those that ship.

    Raises InvalidOptionError where there is no such folder, MissingWeightsError that names the file which is absent.
    """
    if checkpoint is None:
        return BokehMeFiles(name="bokehme", folder=SHIPPED, **{n: SHIPPED / f"{n}.safetensors" for n in NETWORKS})
    folder = Path(checkpoint).expanduser()
    if not folder.is_dir():
        raise InvalidOptionError(f"bokehme@{checkpoint}: no such folder: {REMEDY}")
    for home in (folder, folder / "checkpoints"):
        for suffix in SUFFIXES:
            arnet, iunet = (home / f"{network}{suffix}" for network in NETWORKS)
            found = [path for path in (arnet, iunet) if path.is_file()]
            if len(found) == len(NETWORKS):
                return BokehMeFiles(name=name_folder(folder), folder=home, arnet=arnet, iunet=iunet)
            if found:
                absent = iunet if arnet in found else arnet
                raise MissingWeightsError(f"{absent}: there is no such file beside {found[0].name}: {REMEDY}")
    raise MissingWeightsError(
        f"bokehme@{folder}: expected arnet.pth and iunet.pth, there or in checkpoints/, or arnet.safetensors and"
        f" iunet.safetensors: {REMEDY}"
    )
