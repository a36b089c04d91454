"""Trains the network of ``NAME+restore-disparity``: ``python -m bokehbench.training.restore_disparity.recipe --help``.

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
from ...renderers.restore_disparity.weight_files import NETWORK_FILE, SHIPPED
from ...renderers.weights import RECORD_FILE
from ..engine.config import OptimiserConfig, RunConfig
from ..records import describe_training, require_finished
from ..scenes.config import DataConfig
from ..scenes.degraded import identity_of_scenes
from ..scenes.recipe_scenes import training_scenes, validation_scenes
from ..scenes.shards import store_scenes
from .config import RestoreDisparityConfig

SCENES, NETWORK, SHIP = "scenes", "network", "ship"
PARTS = (SCENES, NETWORK, SHIP)
RECORDED_MODEL = ("wrong", "floor_px")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The folders of pictures, the folder that gets everything, and the size of the training."""

    photographs: str
    cutouts: str
    output: Path
    validation_photographs: str | None = None
    validation_cutouts: str | None = None
    scenes: int = 1600
    steps: int = 300
    crop_px: int = 112
    batch: int = 4
    precision: str = "no"
    minutes: float = 0.0

    def __post_init__(self) -> None:
        self._validation()  # what it lacks is said before anything is made

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
            validation=self._validation(),
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

    def store_scenes(self, workers: int) -> None:
        """Trace and store the training scenes, as far as they are missing."""
        scenes = SyntheticScenes(self.settings)
        store_scenes(scenes, self.scenes, self.output / SCENES, identity_of_scenes(self.settings), workers)

    def _validation(self) -> SynthesisSettings | None:
        return validation_scenes(self.validation_photographs, self.validation_cutouts)


def ship(trained: Path, folder: Path) -> None:
    """Write the network of a finished training to ``folder`` in half precision, with its record.

    Raises MissingWeightsError where it is not finished.
    """
    require_finished(trained, NETWORK)
    folder.mkdir(parents=True, exist_ok=True)
    state = load_file(trained / "model" / NETWORK_FILE)
    save_file({name: tensor.to(torch.float16) for name, tensor in state.items()}, folder / NETWORK_FILE)
    write_json(folder / RECORD_FILE, describe_training(trained, RECORDED_MODEL))


def run(recipe: Recipe, parts: Sequence[str], workers: int = 0, folder: Path = SHIPPED) -> bool:
    """Do the named parts in their order. Returns False where a training's minutes were over before its steps."""
    from ..engine.loop import train

    if SCENES in parts:
        recipe.store_scenes(workers)
    if NETWORK in parts and train(recipe.training) is None:
        return False
    if SHIP in parts:
        ship(recipe.output / NETWORK, folder)
    return True


@ends_in_one_line("recipe", "recipe: interrupted; give the same command to go on")
def main(arguments: Sequence[str] | None = None) -> int:
    """Train the network of restore-disparity; the same command goes on where it was interrupted."""
    parser = OneLineParser(prog="python -m bokehbench.training.restore_disparity.recipe", description=main.__doc__)
    parser.add_argument("--photographs", required=True, metavar="DIR", help="any photographs")
    parser.add_argument("--cutouts", required=True, metavar="DIR", help="RGBA cut-outs")
    parser.add_argument("--validation-photographs", metavar="DIR", help="others, for the curve of the maps' PSNR")
    parser.add_argument("--validation-cutouts", metavar="DIR")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="gets scenes, checkpoints, network")
    parser.add_argument(
        "--parts",
        default=f"{SCENES},{NETWORK}",
        metavar="NAMES",
        help=f"some of {', '.join(PARTS)}; default: %(default)s",
    )
    parser.add_argument("--steps", type=int, default=Recipe.steps, metavar="N", help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes that make scenes; default: none")
    parser.add_argument("--precision", default=Recipe.precision, metavar="NAME", help="no, bf16 or fp16; default: no")
    parser.add_argument("--minutes", type=float, default=0.0, metavar="M", help="stop the training after so long")
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
