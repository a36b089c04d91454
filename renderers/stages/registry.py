"""Stages by name, and names that are composed of them: ``STAGE+NAME`` and ``NAME+STAGE``. Imports no torch."""

from collections.abc import Collection
from typing import NamedTuple

from ...core.errors import UnknownNameError
from ...core.registry import Entry, LazyRegistry
from ...core.text import unknown_name

SIGN = "+"

BEFORE = LazyRegistry("STAGE+NAME stage", "bokehbench.stages_before", {})
"""Of ``STAGE+NAME``."""

BEHIND = LazyRegistry(
    "NAME+STAGE stage",
    "bokehbench.stages_behind",
    {
        "refine": Entry(
            ".renderers.refine.stage:RefineStage", "the disparity's edges moved onto the picture's outlines first"
        ),
    },
)
"""Of ``NAME+STAGE``: what such a stage changes, the scene or the picture, is its own business."""


class Composition(NamedTuple):
    """A composed name, taken apart once: ``renderer`` may be composed itself."""

    renderer: str
    stage: Entry


def take_apart(name: str, renderers: Collection[str]) -> Composition | None:
    """Take the outermost stage off a name; None where there is none. ``renderers``: names that make sense alone.

    A plus in a folder's path, behind an @, is part of the path unless a stage's name follows at its end. Raises
    UnknownNameError for a plus that joins no known stage.
    """
    first, plus, rest = name.partition(SIGN)
    if not plus or name in renderers:
        return None
    if first in BEFORE.entries:
        return Composition(rest, BEFORE.entries[first])
    front, _, last = name.rpartition(SIGN)
    if last in BEHIND.entries:
        return Composition(front, BEHIND.entries[last])
    if "@" in first:
        return None
    if first in BEHIND.entries:
        raise UnknownNameError(f"'{name}': {first} stands behind a renderer's name: use {rest}{SIGN}{first}")
    if last in BEFORE.entries:
        raise UnknownNameError(f"'{name}': {last} stands before a renderer's name: use {last}{SIGN}{front}")
    every = {**BEFORE.entries, **BEHIND.entries}
    raise UnknownNameError(unknown_name("stage", first if last.partition("@")[0] in renderers else last, every))


def plain_name(name: str, renderers: Collection[str] = ()) -> str:
    """Return the name of the renderer inside a composed one; another name as it is."""
    try:
        found = take_apart(name, renderers)
    except UnknownNameError:
        return name
    return plain_name(found.renderer, renderers) if found else name
