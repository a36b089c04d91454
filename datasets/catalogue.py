"""Data sets by name. Listing names imports neither torch nor any data set."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.registry import Entry, LazyRegistry

if TYPE_CHECKING:
    from .interface import SceneDataset

BLB = {
    "blb": (
        "BLB, Blender scenes at 5 levels of blur (your own copy, see --data-root), disparity as published",
        {},
    ),
    "blb-normalised": ("the same with disparity scaled to [0, 1]", {"normalised": True}),
    "blb-corrupted": ("the same rendered from the wrong disparities beside the scenes", {"corrupted": True}),
}
BLB_LEVELS = {f"@{level}": level for level in range(1, 6)}


def _blb_entries() -> dict[str, Entry]:
    """Return each treatment of BLB at all levels, then at each one: ``blb``, ``blb@1`` ... ``blb@5``."""
    return {
        f"{name}{suffix}": Entry(
            ".datasets.blb.dataset:Blb",
            summary if level is None else f"{name}, level {level} only",
            options if level is None else {**options, "level": level},
        )
        for name, (summary, options) in BLB.items()
        for suffix, level in ({"": None} | BLB_LEVELS).items()
    }


DATASETS = LazyRegistry(
    "data set",
    "bokehbench.datasets",
    {
        "synbokeh-mini": Entry(
            ".datasets.synthetic.synbokeh_mini:SynBokehMini",
            "layered scenes with ray-traced ground truth, generated once from fixed seeds",
        ),
        "synbokeh300": Entry(
            ".datasets.synthetic.synbokeh300.dataset:SynBokeh300",
            "300 layered scenes of 512x512, each generated when it is first asked for",
        ),
        "synbokeh-subject": Entry(
            ".datasets.synthetic.synbokeh_subject:SynBokehSubject",
            "16 layered scenes with a subject in focus by a stated habit, for methods that see the picture alone",
        ),
        "motorcycle": Entry(
            ".datasets.motorcycle:Motorcycle",
            "a focal stack over a photograph with measured disparity; no ground truth, shown and not scored",
        ),
        "ebb": Entry(
            ".datasets.pairs.ebb:Ebb",
            "EBB! Val294, real pairs at f/16 and f/1.8 (your own copy, see --data-root); exposure as photographed",
        ),
        "ebb-exposure-aligned": Entry(
            ".datasets.pairs.ebb:Ebb",
            "the same with one gain per channel that brings the input to the target's mean: the published protocol",
            {"alignment": "channels"},
        ),
        "ebb-brightness-aligned": Entry(
            ".datasets.pairs.ebb:Ebb",
            "the same with one gain for all channels",
            {"alignment": "brightness"},
        ),
        "ebb400": Entry(
            ".datasets.pairs.ebb400:Ebb400",
            "EBB400, the pairs of EBB! that BokehMe's authors chose (your own copy, see --data-root)",
        ),
        "ebb400-lq": Entry(
            ".datasets.pairs.ebb400:Ebb400LowQuality",
            "the same from degraded pictures (python -m bokehbench.datasets.pairs.ebb400 makes them, see --data-root)",
        ),
        "realbokeh": Entry(
            ".datasets.pairs.realbokeh:RealBokeh",
            "RealBokeh_3MP's test split, real photographs at many apertures (your own copy, see --data-root)",
        ),
        "realbokeh-binary": Entry(".datasets.pairs.realbokeh:RealBokeh", "the same at f/2.0 only", {"binary": True}),
        **_blb_entries(),
        "pathtraced": Entry(
            ".datasets.pathtraced.dataset:PathTraced",
            "scenes that Mitsuba rendered (python -m bokehbench.datasets.pathtraced makes them, see --data-root)",
        ),
        "folder": Entry(
            ".datasets.folder:UserFolder",
            "your own pictures with disparity, one folder per scene in --data-root; scored where there is a target",
        ),
    },
)


def load_dataset(name: str, data_root: Path | None = None) -> "SceneDataset":
    """Create the data set ``name``; nothing is read or generated before its ``prepare``.

    ``data_root``: folder of the user's own copies, for data sets that are not generated here.
    Raises UnknownNameError for an unknown name, PluginError for somebody else's that cannot be loaded.
    """
    return DATASETS.find(name).create(name=name, data_root=data_root)
