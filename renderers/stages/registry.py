"""Stages by name, and names that are composed of them: ``STAGE+NAME`` and ``NAME+STAGE``. Imports no torch."""

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from ...core.errors import UnknownNameError
from ...core.registry import Entry, LazyRegistry
from ...core.text import unknown_name

SIGN = "+"
CHECKPOINT = "checkpoint"
"""The option that takes what follows the @ of a stage's name."""

_CLEANED = "cleaned of noise and blur by MagicBokeh's networks without defocus"

BEFORE = LazyRegistry(
    "STAGE+NAME stage",
    "bokehbench.stages_before",
    {"sr": Entry(".renderers.magicbokeh.super_resolution:RestoreFirst", f"the picture {_CLEANED} first")},
)
"""Of ``STAGE+NAME``."""

BEHIND = LazyRegistry(
    "NAME+STAGE stage",
    "bokehbench.stages_behind",
    {
        "refine": Entry(
            ".renderers.refine.stage:RefineStage", "the disparity's edges moved onto the picture's outlines first"
        ),
        "restore-disparity": Entry(
            ".renderers.restore_disparity.stage:RestoreDisparityStage",
            "a disparity map as poor as its picture restored first, by a network",
        ),
        "sr": Entry(".renderers.magicbokeh.super_resolution:RestoreLast", f"the bokeh {_CLEANED} afterwards"),
    },
)
"""Of ``NAME+STAGE``: what such a stage changes, the scene or the picture, is its own business."""


class Composition(NamedTuple):
    """A composed name, taken apart once: ``renderer`` may be composed itself."""

    renderer: str
    name: str
    stage: Entry


def take_apart(name: str, renderers: Collection[str]) -> Composition | None:
    """Take the outermost stage off a name; None where there is none. ``renderers``: names that make sense alone.

    A stage with weights may be ``STAGE@FOLDER``; in front of a name its path has no plus. A plus in a renderer's path,
    behind an @, is part of the path unless a stage's name follows at its end. Raises UnknownNameError for a plus that
    joins no known stage.
    """
    first, plus, rest = name.partition(SIGN)
    if not plus or name in renderers:
        return None
    before = _find_stage(first, BEFORE)
    if before:
        return Composition(rest, first, before)
    front, _, last = name.rpartition(SIGN)
    behind = _find_stage(last, BEHIND)
    if behind:
        return Composition(front, last, behind)
    if "@" in first:
        return None
    if first in BEHIND.entries:
        raise UnknownNameError(f"'{name}': {first} stands behind a renderer's name: use {rest}{SIGN}{first}")
    if last in BEFORE.entries:
        raise UnknownNameError(f"'{name}': {last} stands before a renderer's name: use {last}{SIGN}{front}")
    every = {**BEFORE.entries, **BEHIND.entries}
    raise UnknownNameError(unknown_name("stage", first if last.partition("@")[0] in renderers else last, every))


def _find_stage(name: str, registry: LazyRegistry) -> Entry | None:
    """Return the entry of ``STAGE`` or ``STAGE@FOLDER``, which binds the folder; None where there is none."""
    base, at, checkpoint = name.partition("@")
    entry = registry.entries.get(base)
    return replace(entry, options={**entry.options, CHECKPOINT: checkpoint}) if entry and at else entry


def split_stages(name: str, renderers: Collection[str] = ()) -> tuple[str, list[str]]:
    """Return the name of the renderer inside a composed one, and its stages from the outermost to the innermost.

    A name that makes no sense is its own, without stages.
    """
    try:
        found = take_apart(name, renderers)
    except UnknownNameError:
        return name, []
    if found is None:
        return name, []
    inside, stages = split_stages(found.renderer, renderers)
    return inside, [found.name, *stages]
