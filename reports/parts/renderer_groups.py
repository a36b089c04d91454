"""Whose code makes a renderer's pictures, and what it is given: groups of a leaderboard."""

from collections.abc import Mapping
from typing import Any

from ...renderers.outside.adapter_info import find_entry
from ...renderers.programs.catalogue import PROGRAMS
from ...renderers.registry import RENDERERS, WITHOUT_WEIGHTS, plain_name
from .run_facts import takes_disparity

FLOOR, OWN, OTHERS, PROGRAM, PICTURE_ONLY, UNKNOWN = (
    "floor",
    "own",
    "other people's",
    "program",
    "picture only",
    "not known here",
)
MEANINGS = {
    FLOOR: "the input as it is",
    OWN: "code of this project, also where it follows a paper",
    OTHERS: "a repository or package of somebody else, called as it is",
    PROGRAM: "a program that photographers have",
    PICTURE_ONLY: "given neither disparity nor focus",
    UNKNOWN: "no renderer of this name is known here",
}


def group_of(name: str, about: Mapping[str, Any]) -> str:
    """Return the group of a renderer; ``about`` is what run.json says of it."""
    base = plain_name(name).partition("@")[0]
    if base == "identity":
        return FLOOR
    if base in PROGRAMS:
        return PROGRAM
    if about["needs_weights"] and not takes_disparity(about["capabilities"]):
        return PICTURE_ONLY
    ours = {**WITHOUT_WEIGHTS, **RENDERERS.entries}.get(base)
    if ours is not None:
        return OTHERS if ours.distribution else OWN
    # What follows the @ may be a folder on another machine: it is not looked at.
    return OTHERS if find_entry(base) or base != plain_name(name) else UNKNOWN
