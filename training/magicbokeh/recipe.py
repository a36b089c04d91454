"""Trains the network that ``magicbokeh`` ships with: ``python -m bokehbench.training.magicbokeh.recipe --help``.

One command stores the scenes, trains, and goes on where it was interrupted. The ablations are the same training with
one thing changed, shorter, all of one length and with the same seeds.
"""

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from ...core.files import write_json
from ...datasets.synthetic.random_scenes import SynthesisSettings
from ...datasets.synthetic.training_scenes import SyntheticScenes
from ...renderers.magicbokeh.settings import MagicSettings
from ...renderers.magicbokeh.weight_files import NETWORK_FILE, SETTINGS_FILE, SHIPPED
from ...renderers.weights import read_object
from ..engine.config import PRECISIONS, OptimiserConfig, RunConfig
from ..recipe import COUNT, FamilyRecipe, Option, Part, Program, fast_precision
from ..records import require_finished
from ..scenes.config import DataConfig
from ..scenes.degraded import identity_of_scenes
from ..scenes.recipe_scenes import training_scenes, validation_scenes
from ..scenes.shards import store_scenes
from ..shipping import FIRST, ship_networks
from .config import MagicBokehConfig

SCENES, NETWORK, ABLATIONS, SHIP = "scenes", "network", "ablations", "ship"
FULL, NO_FIRST = "full", "no-restoration-phase"
ABLATED = (FULL, "disjoint", "unmasked", "paper", "joint", NO_FIRST)
SEEDS = (0, 1)
LOSS = ("latent_loss", "latent_floor")
RECORDED_MODEL = ("settings", "low_quality", "draws", "turns", "disjoint", "joint", "restoration_rate", *LOSS)
LATER_RATE = 0.5
"""Factor on the restoration branch's learning rate once it is trained alone."""


@dataclass(frozen=True, kw_only=True)
class Recipe(FamilyRecipe):
    """The size of the trainings; ``shipped``: the folder of the weights that ship."""

    scenes: int = 1600
    draws: int = 2
    first_steps: Annotated[int, Option(), COUNT] = 600
    steps: Annotated[int, Option("after those"), COUNT] = 2300
    ablation_steps: Annotated[tuple[int, int], Option("restoration alone, then on"), COUNT] = (100, 240)
    crop_px: int = 128
    batch: int = 8
    ablation_batch: int = 4
    precision: Annotated[str, Option("of trainings; default: what is fastest here", choices=PRECISIONS)] = field(
        default_factory=fast_precision
    )
    shipped: Path = SHIPPED

    @property
    def settings(self) -> SynthesisSettings:
        """Return what scenes are drawn from: two to four layers, any of them in focus or none."""
        return training_scenes(self.photographs, self.cutouts)

    @property
    def first(self) -> RunConfig:
        """Return the training of the restoration branch alone, from random weights."""
        return self._run(NETWORK, FIRST, self.first_steps, self._model(draws=1, turns=(0, 1)), seed=0)

    @property
    def training(self) -> RunConfig:
        """Return the training that goes on from it, its branches in turns."""
        start = f"{self.first.output}/model"
        model = self._model(start=start, disjoint=False, restoration_rate=LATER_RATE)
        return self._run(NETWORK, "", self.steps, model, seed=1)

    def ablations(self) -> list[RunConfig]:
        """Return short trainings of each seed: the restoration branch alone, then every entry of ABLATED.

        All take as many steps for pictures with bokeh; the one without the first phase takes its steps on top.
        """
        runs = []
        first_steps, steps = self.ablation_steps
        for seed in SEEDS:
            folder = f"{ABLATIONS}/seed-{seed}"
            first = self._run(folder, FIRST, first_steps, self._model(draws=1, turns=(0, 1)), 2 * seed)
            start = f"{first.output}/model"
            model = self._model(start=start, disjoint=False, restoration_rate=LATER_RATE)
            bokeh, restoration = model.turns
            joint_steps = steps * bokeh // (bokeh + restoration)
            changed: dict[str, tuple[int, dict[str, Any]]] = {
                FULL: (steps, {}),
                "disjoint": (steps, {"disjoint": True}),
                "unmasked": (steps, {"settings": MagicSettings(attention="unmasked")}),
                "paper": (steps, {"settings": MagicSettings(attention="paper")}),
                "joint": (joint_steps, {"joint": True}),
                NO_FIRST: (first_steps + steps, {"start": None, "restoration_rate": 1.0}),
            }
            runs.append(first)
            for name in ABLATED:
                count, values = changed[name]
                runs.append(self._run(folder, name, count, dataclasses.replace(model, **values), 2 * seed + 1))
        return [dataclasses.replace(run, batch=self.ablation_batch) for run in runs]

    def network(self) -> Sequence[RunConfig]:
        """Return the second training, once the first, which lies in its folder, is finished."""
        require_finished(Path(self.first.output))
        return [self.training]

    def store_scenes(self) -> None:
        """Trace and store the training scenes, as far as they are missing."""
        scenes = SyntheticScenes(self.settings)
        store_scenes(scenes, self.scenes, self.output / SCENES, identity_of_scenes(self.settings), self.workers)

    def ship(self) -> None:
        """Write the network and its settings to the folder of those that ship; see ``ship_networks``."""
        trained = self.output / NETWORK
        ship_networks(trained, [NETWORK_FILE], self.shipped, RECORDED_MODEL)
        write_json(self.shipped / SETTINGS_FILE, read_object(trained / "model" / SETTINGS_FILE))

    def _model(self, **values: Any) -> MagicBokehConfig:
        data = DataConfig(
            scenes=self.settings,
            stored=str(self.output / SCENES),
            count=self.scenes,
            crop_px=self.crop_px,
            validation=self._validation(),
        )
        chosen: dict[str, Any] = {"data": data, "draws": self.draws} | values
        return MagicBokehConfig(**chosen)

    def _run(self, folder: str, name: str, steps: int, model: MagicBokehConfig, seed: int) -> RunConfig:
        return RunConfig(
            task="magicbokeh/network",
            output=str(self.output / folder / name),
            model=model,
            steps=steps,
            batch=self.batch,
            optimiser=OptimiserConfig(method="muon", learning_rate=1e-3, warmup=40, hold=0.3, weight_decay=0.0),
            seed=seed,
            checkpoint_every=100,
            validate_every=400,
            validation_count=16,
            precision=self.precision,
            minutes=self.minutes,
        )

    def _validation(self) -> SynthesisSettings | None:
        return validation_scenes(self.validation_photographs, self.validation_cutouts)


PROGRAM = Program(
    family="magicbokeh",
    purpose="Train MagicBokeh's compact network",
    recipe=Recipe,
    parts=(
        Part(SCENES, Recipe.store_scenes),
        Part(FIRST, lambda recipe: [recipe.first]),
        Part(NETWORK, Recipe.network),
        Part(ABLATIONS, Recipe.ablations, on_demand=True),
        Part(SHIP, Recipe.ship, needs=(), on_demand=True),
    ),
)


if __name__ == "__main__":
    sys.exit(PROGRAM.main())
