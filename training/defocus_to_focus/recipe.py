"""Trains what ``defocus-to-focus`` renders with: ``python -m bokehbench.training.defocus_to_focus.recipe --help``.

One command stores scenes, trains the first stage on small pictures, then both stages on those scenes, and goes on where
it was interrupted.
"""

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch

from ...core.checks import Within
from ...core.files import write_json
from ...renderers.defocus_to_focus.parts import Parts
from ...renderers.defocus_to_focus.weight_files import SHIPPED, find_files
from ...renderers.weights import RECORD_FILE, read_object
from ..engine.config import OptimiserConfig, RunConfig
from ..engine.validation import read_curve
from ..recipe import COUNT, FamilyRecipe, Option, Part, Program
from ..records import RECORDED_RUN, nameless, require_finished
from ..scenes.degraded import identity_of_scenes
from ..scenes.recipe_scenes import validation_folders
from ..scenes.shards import store_scenes
from .config import DefocusConfig, FusionConfig, HabitData
from .habit_scenes import HabitScenes, HabitSettings

SCENES, SMALL, DEFOCUS, FUSION, SHIP = "scenes", "small", "defocus", "fusion", "ship"
TRAININGS = (SMALL, DEFOCUS, FUSION)


@dataclass(frozen=True, kw_only=True)
class Recipe(FamilyRecipe):
    """The size of the trainings; ``shipped``: the folder of the weights that ship."""

    scenes: Annotated[int, Option(), COUNT] = 1500
    small_steps: Annotated[int, Option(), COUNT] = 1600
    steps: Annotated[int, Option(), COUNT] = 60
    fusion_steps: Annotated[int, Option(), COUNT] = 30
    batch: Annotated[int, Option(), COUNT] = 4
    rendering_from: Annotated[
        float, Option("of the first stage's steps before the picture counts", "SHARE"), Within(0.0, 1.0)
    ] = 0.5
    shipped: Path = SHIPPED

    @property
    def settings(self) -> HabitSettings:
        """Return what scenes are drawn from."""
        return HabitSettings(photographs=(self.photographs,), cutouts=(self.cutouts,), painted=48, seed=1)

    @property
    def small_settings(self) -> HabitSettings:
        """Return what small scenes are drawn from: half the size, a quarter of the work, four times the paintings."""
        stored = self.settings
        return dataclasses.replace(stored, size_px=max(32, stored.size_px // 2), painted=4 * stored.painted, seed=3)

    @property
    def small(self) -> RunConfig:
        """Return the training of the defocus alone, on small scenes of which none is seen twice."""
        data = HabitData(scenes=self.small_settings, validation=self._validation())
        model = DefocusConfig(data=data, rendering_from=1.0, likelihood=1.0)
        optimiser = OptimiserConfig(method="muon", learning_rate=2e-3, warmup=40, hold=0.3, weight_decay=0.01)
        return self._run(SMALL, model, self.small_steps, optimiser, 4 * self.batch)

    @property
    def first(self) -> RunConfig:
        """Return the training of the first stage on the stored scenes, from the result of the small ones."""
        start = str(self.output / SMALL / "model")
        model = DefocusConfig(
            data=self._data(),
            start=start,
            seen_px=max(32, 2 * self.settings.size_px // 3),
            rendering_from=self.rendering_from,
        )
        optimiser = OptimiserConfig(method="muon", learning_rate=2e-4, warmup=10, weight_decay=0.01)
        return self._run(DEFOCUS, model, self.steps, optimiser, self.batch)

    @property
    def second(self) -> RunConfig:
        """Return the training of the second stage, on the result of the first."""
        model = FusionConfig(data=self._data(), start=str(self.output / DEFOCUS / "model"))
        optimiser = OptimiserConfig(learning_rate=1e-3, warmup=10)
        return self._run(FUSION, model, self.fusion_steps, optimiser, self.batch)

    def store_scenes(self) -> None:
        """Trace and store the training scenes, as far as they are missing."""
        identity = identity_of_scenes(self.settings)
        store_scenes(HabitScenes(self.settings), self.scenes, self.output / SCENES, identity, self.workers)

    def _run(self, part: str, model: Any, steps: int, optimiser: OptimiserConfig, batch: int) -> RunConfig:
        return RunConfig(
            task=f"defocus-to-focus/{FUSION if part == FUSION else DEFOCUS}",
            output=str(self.output / part),
            model=model,
            steps=steps,
            batch=batch,
            optimiser=optimiser,
            ema=0.0 if part == FUSION else 0.99,
            checkpoint_every=50,
            validate_every=200,
            validation_count=24,
            minutes=self.minutes,
        )

    def _data(self) -> HabitData:
        stored = str(self.output / SCENES)
        return HabitData(scenes=self.settings, stored=stored, count=self.scenes, validation=self._validation())

    def _validation(self) -> HabitSettings | None:
        folders = validation_folders(self.validation_photographs, self.validation_cutouts)
        if folders is None:
            return None
        photographs, cutouts = folders
        return dataclasses.replace(self.settings, photographs=(photographs,), cutouts=(cutouts,), painted=0, seed=2)


def ship(output: Path, folder: Path) -> None:
    """Write the networks to ``folder`` in half precision, with a record of their training beside them.

    Raises MissingWeightsError where a stage is not finished.
    """
    stages = {}
    for stage in TRAININGS:
        require_finished(output / stage)
        stages[stage] = read_object(output / stage / "model" / RECORD_FILE)
    files = find_files(str(output / FUSION / "model"))
    Parts.read(files).save(folder, files.profile, torch.float16)
    small, first, second = (stages[stage]["configuration"] for stage in TRAININGS)
    data = first["model"]["data"]
    seconds = sum(record["seconds"] for record in stages.values())
    small_px, size_px = (run["model"]["data"]["scenes"]["size_px"] for run in (small, first))
    summary = (
        f"{small['steps']} steps of {small['batch']} pictures of {small_px} px drawn on the fly, {first['steps']} and"
        f" {second['steps']} of {first['batch']} of {size_px} px out of {data['count']} synthesised scenes,"
        f" {seconds / 60.0:.0f} minutes on {stages[DEFOCUS]['device']}"
    )
    runs = {
        stage: {
            "seconds": record["seconds"],
            **{name: record["configuration"][name] for name in RECORDED_RUN},
            "model": {k: v for k, v in record["configuration"]["model"].items() if k not in ("data", "start")},
            "validation": read_curve(output / stage),
        }
        for stage, record in stages.items()
    }
    write_json(folder / RECORD_FILE, {"summary": summary, "scenes": nameless(data["scenes"]), **runs})


PROGRAM = Program(
    family="defocus_to_focus",
    purpose="Train Defocus to Focus's networks",
    recipe=Recipe,
    parts=(
        Part(SCENES, Recipe.store_scenes),
        Part(SMALL, lambda recipe: [recipe.small]),
        Part(DEFOCUS, lambda recipe: [recipe.first]),
        Part(FUSION, lambda recipe: [recipe.second]),
        Part(SHIP, lambda recipe: ship(recipe.output, recipe.shipped), needs=(), on_demand=True),
    ),
)


if __name__ == "__main__":
    sys.exit(PROGRAM.main())
