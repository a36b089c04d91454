"""The data set ``ebb``: photographs at f/16 and f/1.8 (EBB!, the AIM 2020 challenge's), as the split Val294.

Layout of the user's copy, ``data_root``/ebb: ``original/<n>.jpg`` (f/16), ``bokeh/<n>.jpg`` (f/1.8), and
``disparity/<n>.npy`` or ``.png`` (larger = nearer). The split is the training set's pairs 4400 to 4693.
"""

from collections.abc import Sequence
from pathlib import Path

from ..members import Members
from .pairs import Pair, PhotographPairs

SPLIT = range(4400, 4694)
F_NUMBER = 1.8


class Ebb(PhotographPairs):
    """The last 294 pairs of EBB's training set; one name for each treatment of exposure."""

    name = "ebb"
    subfolder = "ebb"
    remedy = (
        "get the training pairs of the EBB! data set (AIM 2020 Challenge on Rendering Realistic Bokeh) and put them "
        "there as original/<n>.jpg and bokeh/<n>.jpg; docs/datasets.md has more"
    )
    about = (
        "EBB! Val294: pairs 4400-4693 of the training set, Canon 7D with 50 mm at f/16 and f/1.8; disparity estimated "
        "from the input alone and scaled to [0, 1]; focus estimated from what is sharp in both pictures; gamma 2.2"
    )
    terms = (
        "EBB! data set (Ignatov, Patel, Timofte, 2020), for research only; the user's own copy, not distributed here"
    )
    default_strength = 30.0

    def find_pairs(self) -> Members[Pair]:
        """List all 294 pairs."""
        return Members({str(number): self._pair(number) for number in SPLIT})

    def find_held_out(self) -> Sequence[Pair]:
        """List the pairs below 4400 whose two pictures are there."""
        numbers = (int(path.stem) for path in (self.folder / "original").glob("*.jpg") if path.stem.isdecimal())
        pairs = [self._pair(number) for number in sorted(numbers) if number < SPLIT.start]
        return [pair for pair in pairs if pair.source.is_file() and pair.target.is_file()]

    def _pair(self, number: int) -> Pair:
        folder: Path = self.folder
        target = folder / "bokeh" / f"{number}.jpg"
        return Pair(
            name=str(number),
            scene=str(number),
            source=folder / "original" / f"{number}.jpg",
            target=target,
            disparity=folder / "disparity" / str(number),
            widest=target,
            f_number=F_NUMBER,
        )
