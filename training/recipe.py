"""The command that every family's recipe is: its options, its parts in their order, where it stops.

A family's ``recipe.py`` states what is its own:

- a ``Recipe``, sub-class of ``FamilyRecipe`` and a frozen dataclass as that is: the sizes of its trainings as fields,
  of which ``steps: Annotated[int, Option("of the first training"), COUNT] = 1200`` is the option ``--steps N``, too;
  its scenes (``scenes.recipe_scenes`` has what families share), its trainings, each a ``RunConfig`` below
  ``self.output``, and what ships of them (``shipping``, ``records``);
- ``PROGRAM``, a ``Program``: what it trains, in words, and its parts in the order in which they are done. What a part
  does is a function of the recipe, often a method: it does everything itself, as one that stores scenes, or returns the
  trainings that the part consists of, which are trained here, one after the other. A part is asked for what it
  ``needs``, and by default both folders of pictures; the part that ships needs none, and is done on demand;
- ``sys.exit(PROGRAM.main())`` for ``python -m bokehbench.training.FAMILY.recipe``.

The same command goes on where it was interrupted: a training does so by itself, and does nothing once it is finished; a
part that does its work itself has to. ``bokehme/recipe.py`` is a short example.
"""

import argparse
import dataclasses
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch

from ..core.checks import MOST, Within, check_fields
from ..core.commands import ends_in_one_line
from ..core.errors import InvalidOptionError, UnknownNameError
from ..core.option_parser import OneLineParser
from ..core.text import unknown_name
from .engine.config import RunConfig
from .scenes.recipe_scenes import validation_folders

PICTURES = ("photographs", "cutouts")

COUNT = Within(1, MOST)
"""Of steps, scenes and the like."""


@dataclass(frozen=True)
class Option:
    """Makes an ``Annotated`` field of a recipe an option of its command, of the field's type; a tuple: several values.

    ``explained``: its help, to which a default that is not 0, empty or None is added.
    """

    explained: str = ""
    metavar: str = "N"
    choices: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class FamilyRecipe:
    """What the recipes of all families are given: folders of pictures, and the folder that gets everything.

    ``photographs``, ``cutouts``: empty where no part that is done needs them.
    Raises InvalidOptionError for a number beyond its field's ``Within``, and for one of the folders for validation
    without the other.
    """

    photographs: Annotated[str, Option("any photographs", "DIR")] = ""
    cutouts: Annotated[str, Option("RGBA cut-outs", "DIR")] = ""
    validation_photographs: Annotated[str | None, Option("others, for the PSNR curves", "DIR")] = None
    validation_cutouts: Annotated[str | None, Option("others", "DIR")] = None
    output: Annotated[Path, Option("gets scenes, checkpoints and networks", "DIR")]
    workers: Annotated[int, Option("processes that make scenes; default: none"), Within(0, 1024)] = 0
    minutes: Annotated[float, Option("stop each training after so long", "M"), Within(0.0, 1e7)] = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        validation_folders(self.validation_photographs, self.validation_cutouts)


@dataclass(frozen=True)
class Part:
    """What ``--parts`` can name.

    - ``do``: called with the recipe; does the part, or returns the trainings that it consists of.
    - ``needs``: which folders of pictures it cannot be done without, of PICTURES.
    - ``on_demand``: not done where no part is named.
    """

    name: str
    do: Callable[[Any], Sequence[RunConfig] | None]
    needs: tuple[str, ...] = PICTURES
    on_demand: bool = False


@dataclass(frozen=True, kw_only=True)
class Program:
    """The command ``python -m bokehbench.training.FAMILY.recipe``. ``purpose``: what it does, a sentence's start."""

    family: str
    purpose: str
    recipe: type[FamilyRecipe]
    parts: tuple[Part, ...]

    @ends_in_one_line("recipe", "recipe: interrupted; give the same command to go on")
    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Do what the command line asks for; returns the exit code."""
        values = vars(self._parser().parse_args(arguments))
        names = values.pop("parts").split(",")
        several = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        if not self.run(self.recipe(**values | several), names):
            print("Stopped after the given minutes; give the same command to go on")
        return 0

    def run(self, recipe: FamilyRecipe, names: Sequence[str]) -> bool:
        """Do the named parts in the order of ``parts``.

        Returns False where a training's minutes were over before its steps.
        Raises UnknownNameError and InvalidOptionError, before anything is done, for a name that no part has and for
        folders of pictures that are not given.
        """
        from .engine.loop import train

        for part in self._find(recipe, names):
            if any(train(training) is None for training in part.do(recipe) or ()):
                return False
        return True

    def _find(self, recipe: FamilyRecipe, names: Sequence[str]) -> list[Part]:
        known = [part.name for part in self.parts]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise UnknownNameError(unknown_name("part", unknown[0], known))
        parts = [part for part in self.parts if part.name in names]
        for part in parts:
            absent = [f"--{name}" for name in part.needs if not getattr(recipe, name)]
            if absent:
                expected = "a folder" if len(absent) == 1 else "folders"
                raise InvalidOptionError(f"{', '.join(absent)}: expected {expected} for the part {part.name}, got none")
        return parts

    def _parser(self) -> OneLineParser:
        parser = OneLineParser(
            prog=f"python -m bokehbench.training.{self.family}.recipe",
            description=f"{self.purpose}; the same command goes on where it was interrupted.",
        )
        names = ", ".join(part.name for part in self.parts)
        left_out = ", ".join(part.name for part in self.parts if part.on_demand)
        parser.add_argument(
            "--parts",
            default=",".join(part.name for part in self.parts if not part.on_demand),
            metavar="NAMES",
            help=f"some of {names}, separated by commas, done in this order; default: all but {left_out}",
        )
        hints = typing.get_type_hints(self.recipe, include_extras=True)
        for field in dataclasses.fields(self.recipe):
            for option in getattr(hints[field.name], "__metadata__", ()):
                if isinstance(option, Option):
                    _add_option(parser, field, hints[field.name].__origin__, option, self._say_who_needs(field.name))
        return parser

    def _say_who_needs(self, name: str) -> str:
        """Return the end of the help of a folder of pictures; empty for other options."""
        spared = [part.name for part in self.parts if name not in part.needs]
        return f"; not needed by {', '.join(spared)}" if name in PICTURES and spared else ""


def fast_precision() -> str:
    """Return the precision that trains fastest here: bfloat16 on GPUs and on CPUs that compute in it, else float32.

    On a CPU without its instructions bfloat16 is emulated: a step took five times as long.
    """
    return "bf16" if torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported() else "no"


def _add_option(parser: OneLineParser, field: "dataclasses.Field[Any]", kind: Any, option: Option, more: str) -> None:
    """Add a field's option; one that is not given leaves the field to its default. ``more``: its help's end."""
    kinds, several = typing.get_args(kind) or (kind,), typing.get_origin(kind) is tuple
    words = [option.explained + more] if option.explained else []
    if field.default and field.default is not dataclasses.MISSING:
        shown = " ".join(map(str, field.default)) if several else field.default
        words.append(f"default: {shown}")
    parser.add_argument(
        f"--{field.name.replace('_', '-')}",
        type=kinds[0],
        nargs=len(kinds) if several else None,
        default=argparse.SUPPRESS,
        required=field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        choices=option.choices,
        metavar=None if option.choices else option.metavar,
        help="; ".join(words),
    )
