"""Trains the network that ``magicbokeh`` ships with: ``python -m bokehbench.training.magicbokeh.recipe --help``.

One command stores the scenes, trains, and goes on where it was interrupted. The ablations are the same training with
one thing changed, shorter, all of one length and with the same seeds.
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
from ...renderers.magicbokeh.settings import MagicSettings
from ...renderers.magicbokeh.weight_files import NETWORK_FILE, SETTINGS_FILE, SHIPPED
from ...renderers.weights import RECORD_FILE, read_object
from ..bokehdiff.recipe import fast_precision
from ..engine.config import OptimiserConfig, RunConfig
from ..records import describe_training, require_finished
from ..scenes.config import DataConfig
from ..scenes.degraded import identity_of_scenes
from ..scenes.recipe_scenes import training_scenes, validation_scenes
from ..scenes.shards import store_scenes
from .config import MagicBokehConfig

SCENES, FIRST, NETWORK, ABLATIONS, SHIP = "scenes", "first", "network", "ablations", "ship"
PARTS = (SCENES, FIRST, NETWORK, ABLATIONS, SHIP)
"""``first``: the restoration branch alone, which ``network`` goes on from, in the latter's folder."""

FULL, NO_FIRST = "full", "no-restoration-phase"
ABLATED = (FULL, "disjoint", "unmasked", "paper", "joint", NO_FIRST)
SEEDS = (0, 1)
LOSS = ("latent_loss", "latent_floor")
RECORDED_MODEL = ("settings", "low_quality", "draws", "turns", "disjoint", "joint", "restoration_rate", *LOSS)
LATER_RATE = 0.5
"""Factor on the restoration branch's learning rate once it is trained alone."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The folders of pictures, the folder that gets everything, and the size of the trainings."""

    photographs: str
    cutouts: str
    output: Path
    validation_photographs: str | None = None
    validation_cutouts: str | None = None
    scenes: int = 1600
    draws: int = 2
    first_steps: int = 600
    steps: int = 2300
    ablation_steps: tuple[int, int] = (100, 240)
    crop_px: int = 128
    batch: int = 8
    ablation_batch: int = 4
    precision: str = "no"
    minutes: float = 0.0

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

    def store_scenes(self, workers: int) -> None:
        """Trace and store the training scenes, as far as they are missing."""
        scenes = SyntheticScenes(self.settings)
        store_scenes(scenes, self.scenes, self.output / SCENES, identity_of_scenes(self.settings), workers)

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
        if self.validation_photographs is None or self.validation_cutouts is None:
            return None
        return validation_scenes(self.validation_photographs, self.validation_cutouts)


def ship(trained: Path, folder: Path) -> None:
    """Write the network of a finished training to ``folder`` in half precision, with its record and its first's.

    Raises MissingWeightsError where it is not finished.
    """
    require_finished(trained / FIRST, FIRST)
    require_finished(trained, NETWORK)
    folder.mkdir(parents=True, exist_ok=True)
    state = load_file(trained / "model" / NETWORK_FILE)
    save_file({name: tensor.to(torch.float16) for name, tensor in state.items()}, folder / NETWORK_FILE)
    write_json(folder / SETTINGS_FILE, read_object(trained / "model" / SETTINGS_FILE))
    first = describe_training(trained / FIRST, RECORDED_MODEL)
    write_json(folder / RECORD_FILE, describe_training(trained, RECORDED_MODEL, first))


def run(recipe: Recipe, parts: Sequence[str], workers: int = 0, folder: Path = SHIPPED) -> bool:
    """Do the named parts in their order. Returns False where a training's minutes were over before its steps."""
    from ..engine.loop import train

    if SCENES in parts:
        recipe.store_scenes(workers)
    if FIRST in parts and train(recipe.first) is None:
        return False
    if NETWORK in parts:
        require_finished(recipe.output / NETWORK / FIRST, FIRST)
        if train(recipe.training) is None:
            return False
    if ABLATIONS in parts and any(train(training) is None for training in recipe.ablations()):
        return False
    if SHIP in parts:
        ship(recipe.output / NETWORK, folder)
    return True


@ends_in_one_line("recipe", "recipe: interrupted; give the same command to go on")
def main(arguments: Sequence[str] | None = None) -> int:
    """Train MagicBokeh's compact network; the same command goes on where it was interrupted."""
    parser = OneLineParser(prog="python -m bokehbench.training.magicbokeh.recipe", description=main.__doc__)
    parser.add_argument("--photographs", required=True, metavar="DIR", help="any photographs")
    parser.add_argument("--cutouts", required=True, metavar="DIR", help="RGBA cut-outs")
    parser.add_argument("--validation-photographs", metavar="DIR", help="others, for the PSNR curve")
    parser.add_argument("--validation-cutouts", metavar="DIR")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="gets scenes, checkpoints, networks")
    parser.add_argument(
        "--parts",
        default=f"{SCENES},{FIRST},{NETWORK}",
        metavar="NAMES",
        help=f"some of {', '.join(PARTS)}; default: %(default)s",
    )
    parser.add_argument("--first-steps", type=int, default=Recipe.first_steps, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--steps", type=int, default=Recipe.steps, metavar="N", help="after those; default: %(default)s"
    )
    parser.add_argument(
        "--ablation-steps",
        type=int,
        nargs=2,
        default=Recipe.ablation_steps,
        metavar="N",
        help="restoration alone, then on; default: %(default)s",
    )
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes that make scenes; default: none")
    parser.add_argument("--precision", metavar="NAME", help="no, bf16 or fp16; default: what is fastest here")
    parser.add_argument("--minutes", type=float, default=0.0, metavar="M", help="stop each training after so long")
    options: Any = parser.parse_args(arguments)
    parts, workers = options.parts.split(","), options.workers
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise UnknownNameError(unknown_name("part", unknown[0], PARTS))
    fields = {field.name for field in dataclasses.fields(Recipe)}
    values = {name: value for name, value in vars(options).items() if name in fields}
    values |= {"precision": options.precision or fast_precision(), "ablation_steps": tuple(options.ablation_steps)}
    recipe = Recipe(**values)
    if not run(recipe, parts, workers):
        print("Stopped after the given minutes; give the same command to go on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
