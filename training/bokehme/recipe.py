"""Trains the networks that ``bokehme`` ships with: ``python -m bokehbench.training.bokehme.recipe --help``.

One command stores the scenes, trains, and goes on where it was interrupted.
"""

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from ...core.commands import ends_in_one_line
from ...core.errors import UnknownNameError
from ...core.files import write_json
from ...core.option_parser import OneLineParser
from ...core.text import unknown_name
from ...datasets.synthetic.random_scenes import SynthesisSettings
from ...datasets.synthetic.training_scenes import SyntheticScenes
from ...renderers.bokehme.weight_files import NETWORKS, SHIPPED
from ...renderers.weights import RECORD_FILE
from ..engine.config import OptimiserConfig, RunConfig
from ..records import describe_training, require_finished
from ..scenes.base_picture import BasePicture
from ..scenes.config import DataConfig
from ..scenes.degraded import DegradedScenes, identity_of_scenes
from ..scenes.recipe_scenes import training_scenes, validation_scenes
from ..scenes.shards import store_scenes
from .config import BASE, BokehMeConfig

SCENES, FIRST, TRAIN, SHIP = "scenes", "first", "networks", "ship"
PARTS = (SCENES, FIRST, TRAIN, SHIP)
"""``first``: the training that ``networks`` goes on from, in the latter's folder."""

RECORDED_MODEL = ("error_weight", "blend_loss", "right_weight")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The folders of pictures, the folder that gets everything, and the size of the training."""

    photographs: str
    cutouts: str
    output: Path
    validation_photographs: str | None = None
    validation_cutouts: str | None = None
    scenes: int = 1600
    first_steps: int = 1200
    steps: int = 850
    crops_px: tuple[int, int] = (128, 192)
    precision: str = "no"
    minutes: float = 0.0

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

    def store_scenes(self, workers: int) -> None:
        """Trace and store the training scenes with the classical picture of each, as far as they are missing."""
        bases = (BasePicture(BASE),)
        scenes = DegradedScenes(SyntheticScenes(self.settings), bases, self.settings.seed)
        identity = identity_of_scenes(self.settings, bases)
        store_scenes(scenes, self.scenes, self.output / SCENES, identity, workers)

    def _validation(self) -> SynthesisSettings | None:
        if self.validation_photographs is None or self.validation_cutouts is None:
            return None
        return validation_scenes(self.validation_photographs, self.validation_cutouts)


def ship(trained: Path, folder: Path) -> None:
    """Write the networks of a finished training, and of its first, to ``folder`` in half precision, with its record.

    Raises MissingWeightsError where it is not finished.
    """
    require_finished(trained / FIRST, FIRST)
    require_finished(trained, TRAIN)
    model = trained / "model"
    folder.mkdir(parents=True, exist_ok=True)
    for network in NETWORKS:
        state = load_file(model / f"{network}.safetensors")
        save_file({name: tensor.to(torch.float16) for name, tensor in state.items()}, folder / f"{network}.safetensors")
    first = describe_training(trained / FIRST, RECORDED_MODEL)
    write_json(folder / RECORD_FILE, describe_training(trained, RECORDED_MODEL, first))


def run(recipe: Recipe, parts: Sequence[str], workers: int = 0, folder: Path = SHIPPED) -> bool:
    """Do the named parts in their order. Returns False where a training's minutes were over before its steps."""
    from ..engine.loop import train

    if SCENES in parts:
        recipe.store_scenes(workers)
    if FIRST in parts and train(recipe.first) is None:
        return False
    if TRAIN in parts:
        require_finished(recipe.output / TRAIN / FIRST, FIRST)
        if train(recipe.training) is None:
            return False
    if SHIP in parts:
        ship(recipe.output / TRAIN, folder)
    return True


@ends_in_one_line("recipe", "recipe: interrupted; give the same command to go on")
def main(arguments: Sequence[str] | None = None) -> int:
    """Train BokehMe's networks; the same command goes on where it was interrupted."""
    parser = OneLineParser(prog="python -m bokehbench.training.bokehme.recipe", description=main.__doc__)
    parser.add_argument("--photographs", required=True, metavar="DIR", help="any photographs")
    parser.add_argument("--cutouts", required=True, metavar="DIR", help="RGBA cut-outs")
    parser.add_argument("--validation-photographs", metavar="DIR", help="others, for the PSNR curve")
    parser.add_argument("--validation-cutouts", metavar="DIR")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="gets scenes, checkpoints, networks")
    parser.add_argument(
        "--parts",
        default=f"{SCENES},{FIRST},{TRAIN}",
        metavar="NAMES",
        help=f"some of {', '.join(PARTS)}; default: %(default)s",
    )
    parser.add_argument("--first-steps", type=int, default=Recipe.first_steps, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--steps", type=int, default=Recipe.steps, metavar="N", help="after those; default: %(default)s"
    )
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes that make scenes; default: none")
    parser.add_argument("--precision", default=Recipe.precision, metavar="NAME", help="no, bf16 or fp16; default: no")
    parser.add_argument("--minutes", type=float, default=0.0, metavar="M", help="stop each training after so long")
    options: Any = parser.parse_args(arguments)
    parts, workers = options.parts.split(","), options.workers
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise UnknownNameError(unknown_name("part", unknown[0], PARTS))
    fields = {field.name for field in dataclasses.fields(Recipe)}
    recipe = Recipe(**{name: value for name, value in vars(options).items() if name in fields})
    if not run(recipe, parts, workers):
        print("Stopped after the given minutes; give the same command to go on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
