"""Data sets by name. Listing names imports neither torch nor any data set."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..renderers.lazy_registry import Entry, LazyRegistry

if TYPE_CHECKING:
    from .interface import SceneDataset

DATASETS = LazyRegistry(
    "data set",
    "bokehbench.datasets",
    {
        "synbokeh-mini": Entry(
            ".datasets.synbokeh_mini:SynBokehMini",
            "layered scenes with ray-traced ground truth, generated once from fixed seeds",
        ),
        "motorcycle": Entry(
            ".datasets.motorcycle:Motorcycle",
            "a focal stack over a photograph with measured disparity; no ground truth, shown and not scored",
        ),
    },
)


def load_dataset(name: str, data_root: Path | None = None) -> "SceneDataset":
    """Create the data set ``name``; nothing is read or generated before its ``prepare``.

    ``data_root``: folder of the user's own copies, for data sets that are not generated here.
    Raises UnknownNameError for an unknown name.
    """
    entry = DATASETS.find(name)
    return entry.load()(**{"name": name, "data_root": data_root, **entry.options})
