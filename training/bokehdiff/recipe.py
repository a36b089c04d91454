"""Trains every compact model that ships: ``python -m bokehbench.training.bokehdiff.recipe --help``.

One command does it all and goes on where it was interrupted: the autoencoder, its decoder once more, the encoder of
colours, scenes on disk, the full model and its ablations with the same data, steps and seeds, and ``bokehdiff-plus``.
Two sizes of one recipe: ``cpu`` for two cores, ``gpu``, which has not been run yet, for one large GPU.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ...core.commands import ends_in_one_line
from ...core.errors import UnknownNameError
from ...core.option_parser import OneLineParser
from ...core.text import unknown_name
from ...renderers.bokehdiff.weight_files import SHIPPED
from ..scenes.recipe_scenes import validation_folders
from .publish import COLOUR_ENCODER, ship
from .recipe_configs import DEFAULT_PARTS, DEGRADED, FAMILY, PARTS, PLUS, POOR, SCENES, SHIP, Recipe
from .recipe_scales import SCALES


def run(recipe: Recipe, parts: Sequence[str], workers: int) -> bool:
    """Do the named parts in their order: each is one of ``PARTS``.

    Returns False where a training's minutes were over before its steps.
    """
    from ..engine.loop import train

    for part in parts:
        if part == SCENES:
            recipe.store_scenes(workers)
        elif part == DEGRADED:
            recipe.store_degraded_scenes(workers)
        elif part == POOR:
            recipe.store_poor_scenes(workers)
        elif part == COLOUR_ENCODER:
            recipe.fit_colours()
        elif part == SHIP:
            ship(recipe.output, [*FAMILY, PLUS], SHIPPED)
        elif any(train(training) is None for training in recipe.trainings(part)):
            return False
    return True


def fast_precision() -> str:
    """Return the precision that trains fastest here: bfloat16 on GPUs and on CPUs that compute in it, else float32.

    On a CPU without its instructions bfloat16 is emulated: a step took five times as long.
    """
    return "bf16" if torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported() else "no"


@ends_in_one_line("recipe", "recipe: interrupted; give the same command to go on")
def main(arguments: Sequence[str] | None = None) -> int:
    """Train the compact models; the same command goes on where it was interrupted."""
    parser = OneLineParser(prog="python -m bokehbench.training.bokehdiff.recipe", description=main.__doc__)
    parser.add_argument(
        "--scale", choices=tuple(SCALES), default="cpu", help="for two cores or one large GPU; default: %(default)s"
    )
    parser.add_argument("--photographs", required=True, metavar="DIR", help="any photographs")
    parser.add_argument("--cutouts", required=True, metavar="DIR", help="RGBA cut-outs")
    parser.add_argument("--validation-photographs", metavar="DIR", help="others, for the PSNR curves")
    parser.add_argument("--validation-cutouts", metavar="DIR")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="gets scenes, checkpoints and models")
    parser.add_argument(
        "--parts",
        default=",".join(DEFAULT_PARTS),
        metavar="NAMES",
        help=f"some of {', '.join(PARTS)}, separated by commas, done in that order; default: all but the last four",
    )
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes that make scenes; default: none")
    parser.add_argument("--precision", choices=("no", "bf16"), help="of trainings; default: what is fastest here")
    parser.add_argument("--minutes", type=float, default=0.0, metavar="M", help="stop each training after so long")
    options: Any = parser.parse_args(arguments)
    parts = options.parts.split(",")
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise UnknownNameError(unknown_name("part", unknown[0], PARTS))
    validation_folders(options.validation_photographs, options.validation_cutouts)
    recipe = Recipe(
        scale=SCALES[options.scale],
        photographs=options.photographs,
        cutouts=options.cutouts,
        output=options.output,
        validation_photographs=options.validation_photographs,
        validation_cutouts=options.validation_cutouts,
        minutes=options.minutes,
        precision=options.precision or fast_precision(),
    )
    if not run(recipe, parts, options.workers):
        print("Stopped after the given minutes; give the same command to go on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
