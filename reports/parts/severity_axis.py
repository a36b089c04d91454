"""What stands on the axis of severities: what is wrong there, and which way."""

from collections.abc import Set

from ...robustness.perturbations.interface import Perturbation
from .numbers import write_severity

FAULTS = {"disparity": ("wrong disparity", "the true disparity"), "picture": ("a poor picture", "the clean picture")}
"""What a changed input is called, and the unchanged one."""


def name_inputs(changes: Set[str], which: int) -> str:
    """Name what is wrong about inputs (0) or the right ones (1)."""
    return " and ".join(FAULTS[what][which] for what in sorted(changes, reverse=True))


def label_severities(perturbation: Perturbation) -> dict[str, str]:
    """Return a figure's labels of the axis: its name with its unit, and below it which way things are wrong."""
    return {"x": perturbation.label, "below_x": _point(perturbation)}


def _point(perturbation: Perturbation) -> str:
    if perturbation.directions is None:
        return f"{write_severity(perturbation.neutral, False)}: {name_inputs(perturbation.changes, 1)}"
    below, above = perturbation.directions
    return f"\N{LEFTWARDS ARROW} {below}        {above} \N{RIGHTWARDS ARROW}"


def write_signs(perturbation: Perturbation) -> str:
    """Say what severities below and above 0 mean, and which one leaves the input as it is."""
    neutral = f"{write_severity(perturbation.neutral, False)} is {name_inputs(perturbation.changes, 1)}"
    if perturbation.directions is None:
        return f"{perturbation.name}: {neutral}."
    below, above = perturbation.directions
    return f"{perturbation.name}: below 0 {below}, above 0 {above}; {neutral}."
