"""Trains the networks that ``bokehme`` ships with: ``python -m bokehbench.training.bokehme.recipe --help``.

One command stores the scenes, trains, and goes on where it was interrupted.
"""

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ...datasets.synthetic.random_scenes import SynthesisSettings
from ...datasets.synthetic.training_scenes import SyntheticScenes
from ...renderers.bokehme.weight_files import NETWORKS, SHIPPED
from ..engine.config import PRECISIONS, OptimiserConfig, RunConfig
from ..recipe import COUNT, FamilyRecipe, Option, Part, Program
from ..records import require_finished
from ..scenes.base_picture import BasePicture
from ..scenes.config import DataConfig
from ..scenes.degraded import DegradedScenes, identity_of_scenes
from ..scenes.recipe_scenes import training_scenes, validation_scenes
from ..scenes.shards import store_scenes
from ..shipping import FIRST, ship_networks
from .config import BASE, BokehMeConfig

SCENES, TRAIN, SHIP = "scenes", "networks", "ship"
RECORDED_MODEL = ("error_weight", "blend_loss", "right_weight")


@dataclass(frozen=True, kw_only=True)
class Recipe(FamilyRecipe):
    """The size of both trainings; ``shipped``: the folder of the weights that ship."""

    scenes: int = 1600
    first_steps: Annotated[int, Option(), COUNT] = 1200
    steps: Annotated[int, Option("after those"), COUNT] = 850
    crops_px: tuple[int, int] = (128, 192)
    precision: Annotated[str, Option("of trainings", choices=PRECISIONS)] = "no"
    shipped: Path = SHIPPED

    @property
    def settings(self) -> SynthesisSettings:
        """Return what scenes are drawn from: two to four layers, any of them in focus or none."""
        return training_scenes(self.photographs, self.cutouts)

    @property
    def first(self) -> RunConfig:
        """Return the training of both networks from random weights."""
        data = DataConfig(
            scenes=self.settings,
            stored=str(self.output / SCENES),
            count=self.scenes,
            crop_px=self.crops_px[0],
            validation=self._validation(),
        )
        return RunConfig(
            task="bokehme/networks",
            output=str(self.output / TRAIN / FIRST),
            model=BokehMeConfig(data=data),
            steps=self.first_steps,
            batch=4,
            optimiser=OptimiserConfig(method="muon", learning_rate=1e-3, warmup=40, hold=0.3, weight_decay=0.0),
            checkpoint_every=100,
            validate_every=200,
            validation_count=12,
            precision=self.precision,
            minutes=self.minutes,
        )

    @property
    def training(self) -> RunConfig:
        """Return the training that goes on from the first: larger crops, and more weight on what the blend shows."""
        first = self.first
        return dataclasses.replace(
            first,
            output=str(self.output / TRAIN),
            model=BokehMeConfig(
                data=dataclasses.replace(first.model.data, crop_px=self.crops_px[1]),
                start=f"{first.output}/model",
                error_weight=0.005,
                blend_loss="psnr",
                right_weight=0.1,
            ),
            steps=self.steps,
            batch=3,
            optimiser=dataclasses.replace(first.optimiser, warmup=30),
            seed=first.seed + 1,
            checkpoint_every=50,
            validate_every=100,
        )

    def networks(self) -> Sequence[RunConfig]:
        """Return the second training, once the first, which lies in its folder, is finished."""
        require_finished(Path(self.first.output))
        return [self.training]

    def store_scenes(self) -> None:
        """Trace and store the training scenes with the classical picture of each, as far as they are missing."""
        bases = (BasePicture(BASE),)
        scenes = DegradedScenes(SyntheticScenes(self.settings), bases, self.settings.seed)
        identity = identity_of_scenes(self.settings, bases)
        store_scenes(scenes, self.scenes, self.output / SCENES, identity, self.workers)

    def ship(self) -> None:
        """Write the networks to the folder of those that ship; see ``ship_networks``."""
        ship_networks(self.output / TRAIN, [f"{name}.safetensors" for name in NETWORKS], self.shipped, RECORDED_MODEL)

    def _validation(self) -> SynthesisSettings | None:
        return validation_scenes(self.validation_photographs, self.validation_cutouts)


PROGRAM = Program(
    family="bokehme",
    purpose="Train BokehMe's networks",
    recipe=Recipe,
    parts=(
        Part(SCENES, Recipe.store_scenes),
        Part(FIRST, lambda recipe: [recipe.first]),
        Part(TRAIN, Recipe.networks),
        Part(SHIP, Recipe.ship, needs=(), on_demand=True),
    ),
)


if __name__ == "__main__":
    sys.exit(PROGRAM.main())
