"""The data set ``realbokeh``: RealBokeh_3MP, photographs of a scene at f/22 and at several wider apertures.

Layout, ``data_root``/realbokeh: ``{train,validation,test}/metadata/<id>.json`` with ``id``, ``source_image`` (f/22),
``target_images`` (paths below the split's folder) and ``target_avs`` (their f-numbers); we add
``<split>/disparity/<id>.npy`` or ``.png``.

``python -m bokehbench.datasets.pairs.realbokeh --download --data-root DIR`` fetches a copy from the Hugging Face hub.
"""

import math
import reprlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...core.commands import ends_in_one_line
from ...core.documents import read_document
from ...core.errors import DamagedDataError, InvalidOptionError, MissingDataError
from ...core.fetch import NETWORK
from ...core.option_parser import OneLineParser
from ..files.data_root import HELP, default_data_root, inside
from ..members import Members, list_members
from .pairs import Pair, PhotographPairs

REPOSITORY = "timseizinger/RealBokeh_3MP"
LICENCE = "CC BY-NC-SA 4.0"
SCORED_SPLIT = "test"
SPLITS = ("train", "validation", SCORED_SPLIT)
WIDEST_F_NUMBER = 2.0
"""The set's blur strength is that of this aperture; at another one it is proportional to 1 / f-number."""


class RealBokeh(PhotographPairs):
    """The test split of RealBokeh_3MP: every aperture of every scene, or f/2.0 alone (``binary``)."""

    name = "realbokeh"
    subfolder = "realbokeh"
    remedy = (
        f"get {REPOSITORY} from the Hugging Face hub ({LICENCE}) with  "
        "python -m bokehbench.datasets.pairs.realbokeh --download --data-root DIR"
    )
    about = (
        "RealBokeh_3MP, test split, f/22 to {targets}; disparity estimated from the input alone and scaled to "
        "[0, 1]; focus estimated from what is sharp at f/22 and at the scene's widest aperture; "
        f"one blur strength for the set at f/{WIDEST_F_NUMBER:.1f}, proportional to 1/f-number; gamma 2.2"
    )
    terms = f"RealBokeh_3MP (Seizinger et al., Bokehlicious, ICCV 2025), {LICENCE}; the user's own copy"
    default_strength = 45.0
    version = "2"

    def __init__(
        self, name: str | None = None, data_root: Path | None = None, alignment: str = "none", binary: bool = False
    ):
        self.binary = binary
        self.about = type(self).about.format(targets="f/2.0 only" if binary else "every wider aperture")
        super().__init__(name, data_root, alignment)

    def find_pairs(self) -> Members[Pair]:
        """List the test split's pairs by scene, widest aperture first."""
        if not (self.folder / SCORED_SPLIT / "metadata").is_dir():
            raise MissingDataError(
                f"{self.name}: {self.folder / SCORED_SPLIT / 'metadata'}: no such folder: {self.remedy}"
            )
        members = self._read_split(SCORED_SPLIT)
        if not members.names:
            raise MissingDataError(f"{self.name}: {self.folder / SCORED_SPLIT}: lists no pictures: {self.remedy}")
        return members

    def find_held_out(self) -> Sequence[Pair]:
        """List each validation and train scene whose pictures are there, at its widest aperture alone."""
        pairs: list[Pair] = []
        for split in ("validation", "train"):
            members = self._read_split(split)
            if members.broken:
                raise next(iter(members.broken.values()))
            pairs += (pair for pair in members.found.values() if pair.target == pair.widest)
        return [pair for pair in pairs if pair.source.is_file() and pair.target.is_file()]

    def _read_split(self, split: str) -> Members[Pair]:
        """Return a split's pairs in the order of the ids; files that are not named by an id are no scenes."""
        prefix = "" if split == SCORED_SPLIT else f"{split}-"
        files = (self.folder / split / "metadata").glob("*.json")
        return list_members(
            sorted(files, key=lambda path: path.stem.zfill(12)),
            lambda file: self._scene_pairs(file, prefix) if file.stem.isdecimal() else {},
            lambda file: f"{prefix}{file.stem}",
        )

    def _scene_pairs(self, file: Path, prefix: str) -> dict[str, Pair] | None:
        """Return the pairs that one metadata file lists, None for none. Raises DamagedDataError naming it."""
        split = file.parent.parent
        metadata = _read_metadata(file)
        source = inside(split, metadata["source_image"], file)
        targets = {
            _f_number(value, file): inside(split, named, file)
            for value, named in zip(metadata["target_avs"], metadata["target_images"], strict=True)
        }
        if len(targets) != len(metadata["target_avs"]):
            raise DamagedDataError(
                f"{file}: target_avs: expected each f-number once, got {reprlib.repr(metadata['target_avs'])}"
            )
        widest = min(targets)
        chosen = [WIDEST_F_NUMBER] if self.binary else sorted(targets)
        several = len(targets.keys() & set(chosen)) > 1
        pairs = [
            Pair(
                name=f"{prefix}{file.stem}-f{f_number:g}",
                scene=f"{prefix}{file.stem}",
                source=source,
                target=targets[f_number],
                disparity=split / "disparity" / file.stem,
                widest=targets[widest],
                f_number=f_number,
                relative_aperture=WIDEST_F_NUMBER / f_number,
                one_of_several=several,
            )
            for f_number in chosen
            if f_number in targets
        ]
        return {pair.name: pair for pair in pairs} or None


def _read_metadata(file: Path) -> dict[str, Any]:
    metadata = read_document(file, "JSON with a scene's pictures")
    lists = [metadata.get(key) if isinstance(metadata, dict) else None for key in ("target_images", "target_avs")]
    images, f_numbers = lists
    if not (isinstance(images, list) and isinstance(f_numbers, list) and images and len(images) == len(f_numbers)):
        raise DamagedDataError(f"{file}: expected lists 'target_images' and 'target_avs' of the same length")
    if "source_image" not in metadata:
        raise DamagedDataError(f"{file}: expected the path 'source_image'")
    return metadata


def _f_number(value: object, file: Path) -> float:
    """Parse an entry of ``target_avs``: a number, or text such as "2.8"."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0.0):
        raise DamagedDataError(f"{file}: target_avs: expected f-numbers above 0, got {reprlib.repr(value)}")
    return number


def download(data_root: Path, splits: Sequence[str]) -> Path:
    """Fetch splits of the data set from the hub into ``data_root``/realbokeh; a broken download is resumed.

    Raises MissingDataError where the hub cannot be reached.
    """
    patterns = ["README.md", *(f"{split}/*" for split in splits)]
    return NETWORK.fetch_repository(
        REPOSITORY,
        patterns,
        "give the command again to go on",
        kind="dataset",
        folder=data_root / RealBokeh.subfolder,
        missing=MissingDataError,
    )


@ends_in_one_line("error")
def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch RealBokeh_3MP from the Hugging Face hub. Exit code 2 with one line where that cannot be done."""
    parser = OneLineParser(prog="python -m bokehbench.datasets.pairs.realbokeh", description=main.__doc__)
    parser.add_argument("--download", action="store_true", required=True, help=f"fetch it; its licence is {LICENCE}")
    parser.add_argument("--data-root", type=Path, metavar="DIR", help=f"gets realbokeh/; {HELP}")
    parser.add_argument(
        "--splits", nargs="+", choices=SPLITS, default=[SCORED_SPLIT], help="default: test, the scored one"
    )
    options = parser.parse_args(arguments)
    data_root = options.data_root or default_data_root()
    if data_root is None:
        raise InvalidOptionError("say where to put it: --data-root DIR")
    print(f"{REPOSITORY} ({LICENCE}), {' and '.join(options.splits)}, into {data_root / RealBokeh.subfolder}")
    download(data_root, options.splits)
    return 0


if __name__ == "__main__":
    sys.exit(main())
