"""``python -m bokehbench.benchmarks.fit_f_number RENDERER@FOLDER DATASET``: one f-number for a whole data set.

For renderers that take an f-number and no depth, on data sets that say none or another lens's. It is the f-number with
the best mean PSNR: of photographs in pairs over pairs outside the scored split, of other data sets over the scored
scenes themselves, which favours the renderer and is said. The literature searches one for every picture, on its own
ground truth: its scores are higher, and an upper bound.
"""

import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..core.commands import ends_in_one_line
from ..core.errors import InvalidOptionError, MissingDataError, SkippedSceneError, UnknownNameError
from ..core.files import quantise
from ..core.option_parser import OneLineParser
from ..core.progress import ProgressBar
from ..core.scene import Scene
from ..datasets.catalogue import load_dataset
from ..datasets.files.data_root import HELP, default_data_root
from ..datasets.interface import SceneDataset, prepare_dataset
from ..datasets.pairs.pairs import PhotographPairs, disparity_command, evenly_chosen
from ..renderers.interface import Renderer
from ..renderers.registry import find_renderer, load_renderer
from .metrics.registry import load_metric

log = logging.getLogger(__name__)

F_NUMBERS = (2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0, 20.0)
"""Whole stops, over what Bokehlicious was trained for."""


def fit_f_number(renderer: Renderer, scenes: Sequence[Scene]) -> dict[float, float]:
    """Return the mean PSNR in dB over ``scenes``, which have ground truth, for each of F_NUMBERS that it takes.

    Those that the renderer refuses are said and left out. Raises InvalidOptionError where it refuses all.
    """
    metric = load_metric("psnr")
    metric.prepare("cpu")
    means, refused = dict.fromkeys(F_NUMBERS, 0.0), ""
    for scene in ProgressBar(scenes, desc="fitting", unit="scene"):
        for f_number in list(means):
            try:
                picture = quantise(renderer.render(replace(scene, f_number=f_number)).cpu())
            except SkippedSceneError as refusal:
                del means[f_number]
                refused = refusal.reason
                log.warning("f/%g is left out: %s", f_number, refused)
                continue
            score = metric.score(picture, scene)
            assert score is not None  # noqa: S101 - PSNR always has a value
            means[f_number] += score / len(scenes)
    if not means:
        raise InvalidOptionError(f"{renderer.name} takes none of f/{F_NUMBERS[0]:g} to f/{F_NUMBERS[-1]:g}: {refused}")
    return means


def choose_scenes(dataset: SceneDataset, most: int, *, depth: bool) -> tuple[list[Scene], str]:
    """Return up to ``most`` scenes with ground truth, evenly chosen, and what they are, in words.

    ``depth``: whether the renderer takes disparity; pairs of photographs need no map where it does not.
    Raises MissingDataError where there is none.
    """
    if isinstance(dataset, PhotographPairs):
        ready = [pair for pair in dataset.find_held_out() if not depth or pair.disparity_file.is_file()]
        if not ready:
            command = f"{disparity_command(dataset.name, dataset.data_root)} --held-out {most}"
            remedy = f"with disparity: make it with  {command}" if depth else f"with both pictures: {dataset.remedy}"
            raise MissingDataError(f"{dataset.folder}: no pair outside the scored split {remedy}")
        scenes = [dataset.read_pair(pair, 1.0, "channels", depth=depth) for pair in evenly_chosen(ready, most)]
        kind = "pairs outside the scored split, brought to their targets' exposure"
    else:
        prepare_dataset(dataset)
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


@ends_in_one_line("error", also=(OSError,), goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Fit an f-number and name the renderer that uses it. Exit code 2 with one line where that cannot be done."""
    parser = OneLineParser(prog="python -m bokehbench.benchmarks.fit_f_number", description=main.__doc__)
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
    scenes, kind = choose_scenes(dataset, options.scenes, depth="disparity" in renderer.capabilities.inputs)
    renderer.prepare(options.device)
    means = fit_f_number(renderer, scenes)
    for f_number, mean in means.items():
        print(f"f/{f_number:g}: {mean:.2f} dB")
    best = max(means, key=lambda f_number: means[f_number])
    end = ", at the end of what was tried" if best in (min(means), max(means)) else ""
    print(f"f/{best:g} fits best{end}, over {len(scenes)} {kind}{_say_how_to_use(options.renderer, best)}")
    return 0


def _say_how_to_use(renderer: str, f_number: float) -> str:
    """Name the renderer at a fixed f-number; nothing for a plug-in, which has no such name."""
    base, at, folder = renderer.partition("@")
    name = f"{base}-f{f_number:g}{at}{folder}"
    try:
        find_renderer(name)
    except UnknownNameError:
        return ""
    return f": use {name}"


if __name__ == "__main__":
    sys.exit(main())
