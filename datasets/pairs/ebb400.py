"""The data sets ``ebb400`` and ``ebb400-lq``: 400 cleaned pairs of EBB!, and the same from pictures of low quality.

EBB400 is BokehMe's choice of EBB! (Peng et al., CVPR 2022); MagicBokeh (CVPR 2026) degrades its inputs and does not
publish them, so ``python -m bokehbench.datasets.pairs.ebb400 --data-root DIR`` degrades the user's copy: always the
same, from each picture's name. Layout, in ``data_root``/ebb400: ``original/<name>.jpg`` (all in focus),
``bokeh/<name>.jpg``, ``disparity/<name>.npy`` or ``.png`` (larger = nearer), and, made here, ``low_quality/<name>.png``
with ``low_quality/manifest.json``; disparity estimated from these is ``low_quality/disparity/<name>.npy``.
"""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from ...core.commands import ends_in_one_line
from ...core.errors import BokehBenchError, DamagedDataError, MissingDataError
from ...core.files import is_intact, regular, sha256_of, write_image, write_json
from ...core.option_parser import OneLineParser
from ...core.progress import ProgressBar
from ...core.records import read_record
from ...core.scene import Scene
from ..files.data_root import HELP, default_data_root
from ..files.pictures import as_tensor, read_picture
from ..low_quality.real_esrgan import degrade
from ..low_quality.steps import random_stream
from ..members import Members, list_members
from .ebb import F_NUMBER, Ebb
from .pairs import Pair, PhotographPairs

SUFFIXES = (".jpg", ".jpeg", ".png")
SCALE = 4.0
"""Of the degradation, as OSEDiff's."""

DEGRADATION = f"Real-ESRGAN, two rounds, scale {SCALE:g}, seed 0, version 1"
"""What the manifest says of the pictures; another version's pictures are made again."""

LOW_QUALITY = "low_quality"
MANIFEST = "manifest.json"


class PictureRecord(TypedDict):
    """SHA-256 of a clean picture's file, and of what was made of it."""

    original: str
    low_quality: str


class Manifest(TypedDict):
    """How the low-quality pictures were made, and each one's digests by name."""

    degradation: str
    pictures: dict[str, PictureRecord]


class Ebb400(PhotographPairs):
    """Every pair whose all-in-focus picture is there."""

    name = "ebb400"
    subfolder = "ebb400"
    remedy = (
        "get EBB400, the 400 pairs of EBB! that BokehMe's authors chose, and put the pictures there as "
        "original/<name>.jpg and bokeh/<name>.jpg; docs/datasets.md has more"
    )
    about = (
        "EBB400: pairs of EBB! that BokehMe's authors chose, Canon 7D with 50 mm at f/16 and f/1.8; disparity from the "
        "folder, scaled to [0, 1]; focus estimated from what is sharp in both pictures; gamma 2.2"
    )
    terms = Ebb.terms
    default_strength = 30.0

    def find_pairs(self) -> Members[Pair]:
        """List the pictures of ``original``. Raises MissingDataError where there is none."""
        found = [path for path in sorted((self.folder / "original").glob("*")) if path.suffix.lower() in SUFFIXES]
        if not found:
            raise MissingDataError(f"{self.name}: {self.folder / 'original'}: no picture: {self.remedy}")
        return list_members(found, lambda path: {path.stem: self._pair(path)}, lambda path: path.stem)

    def find_held_out(self) -> Sequence[Pair]:
        """Refuse: all pairs are scored. Raises MissingDataError that says how to give a strength."""
        raise MissingDataError(
            f"{self.name}: all pairs are scored, none is left to fit on: give a strength, such as the one fitted on "
            f"ebb:  python -m bokehbench.benchmarks.fit_blur_strength {self.name} --set PX"
        )

    def _pair(self, original: Path) -> Pair:
        target = self._sibling("bokeh", original)
        return Pair(
            name=original.stem,
            scene=original.stem,
            source=original,
            target=target,
            disparity=self.folder / "disparity" / original.stem,
            widest=target,
            f_number=F_NUMBER,
        )

    def _sibling(self, folder: str, original: Path) -> Path:
        """Return the picture of the same name in another folder, of whatever kind it is there."""
        files = (self.folder / folder / f"{original.stem}{suffix}" for suffix in (original.suffix, *SUFFIXES))
        return next((file for file in files if file.is_file()), self.folder / folder / original.name)


class Ebb400LowQuality(Ebb400):
    """Every pair, rendered from its low-quality picture, which the manifest vouches for, and the disparity of that."""

    name = "ebb400-lq"
    about = (
        f"EBB400 from low-quality pictures ({DEGRADATION}, the same frame and size); disparity estimated from the "
        "low-quality picture and scaled to [0, 1]; focus estimated from what is sharp in both clean pictures; gamma 2.2"
    )

    @property
    def manifest(self) -> Manifest:
        """What was made. Raises MissingDataError where nothing was, or by another version of the degradation."""
        path = self.folder / LOW_QUALITY / MANIFEST
        remedy = f"make the pictures with  {degrade_command(self.data_root)}"
        if not path.exists():
            raise MissingDataError(f"{self.name}: {path}: no low-quality pictures are made yet: {remedy}")
        manifest = read_record(Manifest, path, "the manifest of low-quality pictures")
        if manifest["degradation"] != DEGRADATION:
            raise MissingDataError(
                f"{self.name}: {path}: expected {DEGRADATION}, got {manifest['degradation']}: {remedy}"
            )
        return manifest

    def find_pairs(self) -> Members[Pair]:
        """List the pairs whose all-in-focus picture is there. Raises MissingDataError where no picture is made yet."""
        self._made = self.manifest["pictures"]
        return super().find_pairs()

    def read_pair(self, pair: Pair, blur_strength: float, alignment: str, *, depth: bool = True) -> Scene:
        """Return ``pair`` as a Scene. Raises DamagedDataError where a file is not the one that the manifest names."""
        made = self._made.get(pair.name)
        assert pair.clean is not None  # noqa: S101 - see _pair
        for path, sha256 in ((pair.clean, made and made["original"]), (pair.source, made and made["low_quality"])):
            if made is None or not is_intact(path, sha256):
                raise DamagedDataError(
                    f"{path}: not the picture of the manifest: make it again with  {degrade_command(self.data_root)}"
                )
        return super().read_pair(pair, blur_strength, alignment, depth=depth)

    def _pair(self, original: Path) -> Pair:
        clean = super()._pair(original)
        folder = self.folder / LOW_QUALITY
        return Pair(
            name=clean.name,
            scene=clean.scene,
            source=folder / f"{clean.name}.png",
            target=clean.target,
            disparity=folder / "disparity" / clean.name,
            widest=clean.widest,
            f_number=clean.f_number,
            clean=original,
        )


def degrade_command(data_root: Path | None) -> str:
    """Return the command that makes the low-quality pictures."""
    return f"python -m bokehbench.datasets.pairs.ebb400 --data-root {shlex.quote(str(data_root))}"


def make_low_quality(dataset: Ebb400) -> list[str]:
    """Degrade every picture that is not degraded yet, or was from another file. Returns a line per failed picture.

    The manifest is written after each picture, so that an interrupted command goes on where it stopped.
    """
    folder = dataset.folder / LOW_QUALITY
    manifest: Manifest = {"degradation": DEGRADATION, "pictures": {}}
    if (folder / MANIFEST).exists():
        earlier = read_record(Manifest, folder / MANIFEST, "the manifest of low-quality pictures")
        if earlier["degradation"] == DEGRADATION:
            manifest = earlier
    failures = []
    for name, pair in ProgressBar(dataset.find_pairs().found.items(), desc="degrading", unit="picture"):
        made, kept = folder / f"{name}.png", manifest["pictures"].get(name)
        try:
            source = sha256_of(regular(pair.source))
        except OSError as error:
            failures.append(f"{pair.source}: cannot be read ({error.strerror})")
            continue
        if kept and kept["original"] == source and is_intact(made, kept["low_quality"]):
            continue
        try:
            degraded = degrade(read_picture(pair.source), SCALE, random_stream(name, SCALE))
        except BokehBenchError as error:
            failures.append(str(error))
            continue
        manifest["pictures"][name] = {"original": source, "low_quality": write_image(made, as_tensor(degraded))}
        write_json(folder / MANIFEST, manifest)
    return failures


@ends_in_one_line("error", "interrupted; finished pictures are kept: give the same command to go on", also=(OSError,))
def main(arguments: Sequence[str] | None = None) -> int:
    """Make the low-quality pictures of ebb400-lq. Exit code 1: pictures failed; 2: it cannot run."""
    parser = OneLineParser(prog="python -m bokehbench.datasets.pairs.ebb400", description=main.__doc__)
    parser.add_argument("--data-root", type=Path, metavar="DIR", help=HELP)
    options = parser.parse_args(arguments)
    dataset = Ebb400(data_root=options.data_root or default_data_root())
    failures = make_low_quality(dataset)
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"{dataset.folder / LOW_QUALITY}: {DEGRADATION}; `run_bench.py --check ebb400-lq` checks them")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
