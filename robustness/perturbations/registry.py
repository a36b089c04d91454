"""Perturbations by name. Listing names imports no torch."""

from typing import TYPE_CHECKING

from ...core.registry import Entry, LazyRegistry

if TYPE_CHECKING:
    from .interface import Perturbation

PERTURBATIONS = LazyRegistry(
    "perturbation",
    "bokehbench.perturbations",
    {
        "erode": Entry(
            ".robustness.perturbations.outlines:ERODE", "near things shrink by px; below 0 they grow (the paper's axis)"
        ),
        "erode-uneven": Entry(
            ".robustness.perturbations.outlines:ERODE_UNEVEN",
            "near things shrink by up to so many px in some places and grow in others; below 0 the other way round",
        ),
        "estimator": Entry(
            ".robustness.perturbations.estimates:ESTIMATOR",
            "a monocular estimator's map: parts up to twice so many px thin are lost, edges soft and a little outside",
        ),
        "shift": Entry(
            ".robustness.perturbations.outlines:SHIFT", "the map slides to the right by px; below 0 to the left"
        ),
        "blur": Entry(".robustness.perturbations.outlines:BLUR", "Gaussian blur with this standard deviation in px"),
        "noise": Entry(".robustness.perturbations.values:NOISE", "independent noise per pixel, in % of the range"),
        "noise-smooth": Entry(".robustness.perturbations.values:NOISE_SMOOTH", "smooth noise, in % of the range"),
        "quantise": Entry(".robustness.perturbations.values:QUANTISE", "rounding to steps of this % of the range"),
        "scale": Entry(".robustness.perturbations.values:SCALE", "stretched about the middle of the range by %"),
        "holes": Entry(
            ".robustness.perturbations.values:HOLES", "blobs without a match fall to the farthest value, % of the area"
        ),
        "zoom": Entry(
            ".robustness.perturbations.pictures:ZOOM",
            "the picture as a digital zoom delivers it: blurred, coarser by this factor, noisy, JPEG, enlarged again",
        ),
        "zoom-both": Entry(
            ".robustness.perturbations.pictures:ZOOM_BOTH",
            "zoom, and the disparity at 1/factor of its resolution, as estimated from such a picture",
        ),
        "degrade": Entry(
            ".robustness.perturbations.pictures:DEGRADE",
            "the picture after Real-ESRGAN's two random rounds of blur, resizing, noise and JPEG, to 1/factor and back",
        ),
        "degrade-both": Entry(
            ".robustness.perturbations.pictures:DEGRADE_BOTH",
            "degrade, and the disparity at 1/factor of its resolution",
        ),
    },
)


def load_perturbation(name: str) -> "Perturbation":
    """Return the perturbation called ``name``. Raises UnknownNameError, PluginError."""
    return PERTURBATIONS.find(name).load()
