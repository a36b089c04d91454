"""``python -m bokehbench.benchmarks.fit_f_number RENDERER@FOLDER DATASET``: one f-number for a whole data set.

For renderers that take an f-number and no depth, on data sets that say none or another lens's. It is the f-number with
the best mean PSNR: over pairs outside the scored split where the data set has such, else over the scored scenes
themselves, which favours the renderer and is said. The literature searches one for every picture, on the picture's own
ground truth: its scores are higher, and an upper bound.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from ..core.commands import ends_in_one_line
from ..core.errors import InvalidOptionError, MissingDataError
from ..core.files import quantise
from ..core.scene import Scene
from ..datasets.catalogue import load_dataset
from ..datasets.files.data_root import HELP, default_data_root
from ..datasets.interface import SceneDataset, prepare_dataset
from ..datasets.pairs.pairs import PhotographPairs, evenly_chosen
from ..renderers.interface import Renderer
from ..renderers.registry import load_renderer
from .metrics.registry import load_metric

F_NUMBERS = (2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0, 20.0)
"""Whole stops, over what Bokehlicious was trained for."""


def fit_f_number(renderer: Renderer, scenes: Sequence[Scene]) -> dict[float, float]:
    """Return the mean PSNR in dB over ``scenes``, which have ground truth, for each of F_NUMBERS."""
    metric = load_metric("psnr")
    metric.prepare("cpu")
    means = dict.fromkeys(F_NUMBERS, 0.0)
    for scene in tqdm(scenes, desc="fitting", unit="scene"):
        for f_number in F_NUMBERS:
            picture = quantise(renderer.render(replace(scene, f_number=f_number)).cpu())
            score = metric.score(picture, scene)
            assert score is not None  # noqa: S101 - PSNR always has a value
            means[f_number] += score / len(scenes)
    return means


def choose_scenes(dataset: SceneDataset, most: int) -> tuple[list[Scene], str]:
    """Return up to ``most`` scenes with ground truth, evenly chosen, and what they are, in words.

    Raises MissingDataError where there is none.
    """
    prepare_dataset(dataset)
    if isinstance(dataset, PhotographPairs):
        ready = [pair for pair in dataset.find_held_out() if pair.disparity_file.is_file()]
        scenes = [dataset.read_pair(pair, 1.0, "channels") for pair in evenly_chosen(ready, most)]
        kind = "pairs outside the scored split, brought to their targets' exposure"
    else:
        scenes = list(_scored(dataset, most))
        kind = "scored scenes, which favours it"
    if not scenes:
        raise MissingDataError(f"{dataset.name}: no scene with ground truth to fit on")
    return scenes, kind


def _scored(dataset: SceneDataset, most: int) -> Iterator[Scene]:
    for name in evenly_chosen([name for name in dataset.scene_names() if dataset.has_target(name)], most):
        scene = dataset.load(name)
        if scene.target is not None:
            yield scene


@ends_in_one_line("error", also=(OSError,))
def main(arguments: Sequence[str] | None = None) -> int:
    """Fit an f-number and name the renderer that uses it. Exit code 2 with one line where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m bokehbench.benchmarks.fit_f_number", description=main.__doc__)
    parser.add_argument("renderer", metavar="RENDERER", help="one that takes an f-number: bokehlicious@FOLDER")
    parser.add_argument("dataset", metavar="DATASET", help="one with ground truth")
    parser.add_argument("--data-root", type=Path, metavar="DIR", help=HELP)
    parser.add_argument("--scenes", type=int, default=30, metavar="N", help="at most so many scenes; default: 30")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N; default: cpu")
    options = parser.parse_args(arguments)
    if options.scenes < 1:
        raise InvalidOptionError("expected --scenes of at least 1")
    renderer = load_renderer(options.renderer)
    if "f-number" not in renderer.capabilities.inputs:
        raise InvalidOptionError(f"{options.renderer} takes no f-number: there is nothing to fit")
    dataset = load_dataset(options.dataset, options.data_root or default_data_root())
    scenes, kind = choose_scenes(dataset, options.scenes)
    renderer.prepare(options.device)
    means = fit_f_number(renderer, scenes)
    for f_number, mean in means.items():
        print(f"f/{f_number:g}: {mean:.2f} dB")
    best = max(means, key=lambda f_number: means[f_number])
    base, at, folder = options.renderer.partition("@")
    print(f"f/{best:g} fits best, over {len(scenes)} {kind}: use {base}-f{best:g}{at}{folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
