"""Trains every compact model that ships: ``python -m bokehbench.training.bokehdiff.recipe --help``.

One command does it all and goes on where it was interrupted: the autoencoder, its decoder once more, the encoder of
colours, scenes on disk, the full model and its ablations with the same data, steps and seeds, and ``bokehdiff-plus``.
Two sizes of one recipe: ``cpu`` for two cores, ``gpu``, which has not been run yet, for one large GPU.
"""

import sys

from ..recipe import PICTURES, Part, Program
from .publish import AUTOENCODER, COLOUR_ENCODER, DECODER_TUNING
from .recipe_configs import DEGRADED, FAMILY, LOW_QUALITY, PLUS, POOR, SCENES, SHIP, TABLE, Recipe

PHOTOGRAPHS = ("photographs",)


def trained(name: str, needs: tuple[str, ...] = PICTURES, on_demand: bool = False) -> Part:
    """Return the part that does the recipe's trainings of this name."""
    return Part(name, lambda recipe: recipe.trainings(name), needs, on_demand)


PROGRAM = Program(
    family="bokehdiff",
    purpose="Train the compact models",
    recipe=Recipe,
    parts=(
        trained(AUTOENCODER, PHOTOGRAPHS),
        trained(DECODER_TUNING, PHOTOGRAPHS),
        Part(COLOUR_ENCODER, Recipe.fit_colours, PHOTOGRAPHS),
        Part(SCENES, Recipe.store_scenes),
        Part(DEGRADED, Recipe.store_degraded_scenes),
        *(trained(variant) for variant in (*FAMILY, PLUS)),
        Part(POOR, Recipe.store_poor_scenes, on_demand=True),
        trained(LOW_QUALITY, on_demand=True),
        trained(TABLE, on_demand=True),
        Part(SHIP, Recipe.ship, needs=(), on_demand=True),
    ),
)


if __name__ == "__main__":
    sys.exit(PROGRAM.main())
