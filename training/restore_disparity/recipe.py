"""Trains the network of ``NAME+restore-disparity``: ``python -m bokehbench.training.restore_disparity.recipe --help``.

One command stores the scenes, trains, and goes on where it was interrupted.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ...datasets.synthetic.random_scenes import SynthesisSettings
from ...datasets.synthetic.training_scenes import SyntheticScenes
from ...renderers.restore_disparity.weight_files import NETWORK_FILE, SHIPPED
from ..engine.config import PRECISIONS, OptimiserConfig, RunConfig
from ..recipe import COUNT, FamilyRecipe, Option, Part, Program
from ..scenes.config import DataConfig
from ..scenes.degraded import identity_of_scenes
from ..scenes.recipe_scenes import training_scenes, validation_scenes
from ..scenes.shards import store_scenes
from ..shipping import ship_networks
from .config import RestoreDisparityConfig

SCENES, NETWORK, SHIP = "scenes", "network", "ship"
RECORDED_MODEL = ("wrong", "floor_px")


@dataclass(frozen=True, kw_only=True)
class Recipe(FamilyRecipe):
    """The size of the training; ``shipped``: the folder of the weights that ship."""

    scenes: int = 1600
    steps: Annotated[int, Option(), COUNT] = 300
    crop_px: int = 112
    batch: int = 4
    precision: Annotated[str, Option("of the training", choices=PRECISIONS)] = "no"
    shipped: Path = SHIPPED

    @property
    def settings(self) -> SynthesisSettings:
        """Return what scenes are drawn from: two to four layers, any of them in focus or none."""
        return training_scenes(self.photographs, self.cutouts)

    @property
    def training(self) -> RunConfig:
        """Return the training, from the identity."""
        data = DataConfig(
            scenes=self.settings,
            stored=str(self.output / SCENES),
            count=self.scenes,
            crop_px=self.crop_px,
            validation=validation_scenes(self.validation_photographs, self.validation_cutouts),
        )
        return RunConfig(
            task="restore-disparity/network",
            output=str(self.output / NETWORK),
            model=RestoreDisparityConfig(data=data),
            steps=self.steps,
            batch=self.batch,
            optimiser=OptimiserConfig(method="muon", learning_rate=2e-3, warmup=20, hold=0.5, weight_decay=0.0),
            checkpoint_every=50,
            validate_every=100,
            validation_count=16,
            precision=self.precision,
            minutes=self.minutes,
        )

    def store_scenes(self) -> None:
        """Trace and store the training scenes, as far as they are missing."""
        scenes = SyntheticScenes(self.settings)
        store_scenes(scenes, self.scenes, self.output / SCENES, identity_of_scenes(self.settings), self.workers)

    def ship(self) -> None:
        """Write the network to the folder of those that ship; see ``ship_networks``."""
        ship_networks(self.output / NETWORK, [NETWORK_FILE], self.shipped, RECORDED_MODEL, went_on=False)


PROGRAM = Program(
    family="restore_disparity",
    purpose="Train the network of restore-disparity",
    recipe=Recipe,
    parts=(
        Part(SCENES, Recipe.store_scenes),
        Part(NETWORK, lambda recipe: [recipe.training]),
        Part(SHIP, Recipe.ship, needs=(), on_demand=True),
    ),
)


if __name__ == "__main__":
    sys.exit(PROGRAM.main())
