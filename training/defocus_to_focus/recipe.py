"""Trains what ``defocus-to-focus`` renders with: ``python -m bokehbench.training.defocus_to_focus.recipe --help``.

One command stores scenes, trains the first stage on small pictures, then both stages on those scenes, and goes on where
it was interrupted.
"""

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...core.commands import ends_in_one_line
from ...core.errors import MissingWeightsError, UnknownNameError
from ...core.files import write_json
from ...core.option_parser import OneLineParser
from ...renderers.defocus_to_focus.parts import Parts
from ...renderers.defocus_to_focus.weight_files import SHIPPED, find_files
from ...renderers.weights import RECORD_FILE, read_object
from ..engine.config import OptimiserConfig, RunConfig
from ..engine.validation import read_curve
from ..records import RECORDED_RUN, nameless
from ..scenes.degraded import identity_of_scenes
from ..scenes.recipe_scenes import validation_folders
from ..scenes.shards import store_scenes
from .config import DefocusConfig, FusionConfig, HabitData
from .habit_scenes import HabitScenes, HabitSettings

SCENES, SMALL, DEFOCUS, FUSION, SHIP = "scenes", "small", "defocus", "fusion", "ship"
PARTS = (SCENES, SMALL, DEFOCUS, FUSION, SHIP)
TRAININGS = (SMALL, DEFOCUS, FUSION)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The folders of pictures, the folder that gets everything, and the size of the training."""

    photographs: str
    cutouts: str
    output: Path
    validation_photographs: str | None = None
    validation_cutouts: str | None = None
    scenes: int = 1500
    small_steps: int = 1600
    steps: int = 60
    fusion_steps: int = 30
    batch: int = 4
    rendering_from: float = 0.5
    minutes: float = 0.0

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

    def store_scenes(self, workers: int) -> None:
        """Trace and store the training scenes, as far as they are missing."""
        identity = identity_of_scenes(self.settings)
        store_scenes(HabitScenes(self.settings), self.scenes, self.output / SCENES, identity, workers)

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
        path = output / stage / "model" / RECORD_FILE
        if not path.is_file():
            raise MissingWeightsError(f"{path}: absent: give the training's command again, to finish it")
        stages[stage] = read_object(path)
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


def run(recipe: Recipe, parts: Sequence[str], workers: int = 0, folder: Path = SHIPPED) -> bool:
    """Do the named parts in their order. Returns False where the training's minutes were over before its steps."""
    from ..engine.loop import train

    if SCENES in parts:
        recipe.store_scenes(workers)
    for part, config in ((SMALL, recipe.small), (DEFOCUS, recipe.first), (FUSION, recipe.second)):
        if part in parts and train(config) is None:
            return False
    if SHIP in parts:
        ship(recipe.output, folder)
    return True


@ends_in_one_line("recipe", "recipe: interrupted; give the same command to go on")
def main(arguments: Sequence[str] | None = None) -> int:
    """Train Defocus to Focus's networks; the same command goes on where it was interrupted."""
    parser = OneLineParser(prog="python -m bokehbench.training.defocus_to_focus.recipe", description=main.__doc__)
    parser.add_argument("--photographs", required=True, metavar="DIR", help="any photographs")
    parser.add_argument("--cutouts", required=True, metavar="DIR", help="RGBA cut-outs")
    parser.add_argument("--validation-photographs", metavar="DIR", help="others, for the PSNR curve")
    parser.add_argument("--validation-cutouts", metavar="DIR")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="gets scenes, checkpoints, networks")
    parser.add_argument(
        "--parts",
        default=",".join(part for part in PARTS if part != SHIP),
        metavar="NAMES",
        help=f"some of {', '.join(PARTS)}; default: %(default)s",
    )
    for name in ("scenes", "small_steps", "steps", "fusion_steps", "batch"):
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=getattr(Recipe, name), metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--rendering-from",
        type=float,
        default=Recipe.rendering_from,
        metavar="SHARE",
        help="of the first stage's steps before the picture counts; default: %(default)s",
    )
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes that make scenes; default: none")
    parser.add_argument("--minutes", type=float, default=0.0, metavar="M", help="stop a training after so long")
    options: Any = parser.parse_args(arguments)
    parts, workers = options.parts.split(","), options.workers
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise UnknownNameError(f"unknown part '{unknown[0]}'. Known: {', '.join(PARTS)}")
    fields = {field.name for field in dataclasses.fields(Recipe)}
    recipe = Recipe(**{name: value for name, value in vars(options).items() if name in fields})
    if not run(recipe, parts, workers):
        print("Stopped after the given minutes; give the same command to go on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
