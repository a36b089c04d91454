"""Perturbations of disparity by name. Listing names imports no torch."""

from typing import TYPE_CHECKING

from ..renderers.lazy_registry import Entry, LazyRegistry

if TYPE_CHECKING:
    from .interface import Perturbation

PERTURBATIONS = LazyRegistry(
    "perturbation",
    "bokehbench.perturbations",
    {
        "erode": Entry(".robustness.outlines:ERODE", "near things shrink by px; below 0 they grow (the paper's axis)"),
        "shift": Entry(".robustness.outlines:SHIFT", "the map slides to the right by px; below 0 to the left"),
        "blur": Entry(".robustness.outlines:BLUR", "Gaussian blur with this standard deviation in px"),
        "noise": Entry(".robustness.values:NOISE", "independent noise per pixel, in % of the range"),
        "noise-smooth": Entry(".robustness.values:NOISE_SMOOTH", "smooth noise, in % of the range"),
        "quantise": Entry(".robustness.values:QUANTISE", "rounding to steps of this % of the range"),
        "scale": Entry(".robustness.values:SCALE", "stretched about the middle of the range by %"),
        "holes": Entry(".robustness.values:HOLES", "blobs without a match fall to the farthest value, % of the area"),
    },
)


def load_perturbation(name: str) -> "Perturbation":
    """Return the perturbation called ``name``. Raises UnknownNameError."""
    return PERTURBATIONS.find(name).load()
