"""``python -m bokehbench.benchmarks.guesses RENDERERS DATASET``: what methods that see the picture alone guess.

Such a method chooses what is in focus and how far the rest is blurred. Three numbers a scene compare that with the
truth, beside what its pictures score:

- IoU of what is in focus: radii of at most 2 px, guessed and true;
- Spearman's rank correlation of the radii: is what is blurred more blurred more?
- the median ratio of guessed and true radius where the true one is over 2 px: how strong is the blur?
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import fmean, median

from scipy.stats import spearmanr
from torch import Tensor

from ..core.commands import ends_in_one_line
from ..core.errors import InvalidOptionError
from ..core.scene import Scene
from ..datasets.catalogue import load_dataset
from ..datasets.files.data_root import HELP, default_data_root
from ..datasets.interface import prepare_dataset
from ..renderers.interface import Renderer
from ..renderers.registry import load_renderer

IN_FOCUS_PX = 2.0
EVERY_PX = 4
"""Ranks are taken of every so many pixels along each axis, which a map that varies slowly does not need more of."""


@dataclass(frozen=True)
class Agreement:
    """How a guess agrees with the truth; NaN where the scene has nothing to compare."""

    in_focus_iou: float
    rank_correlation: float
    strength_ratio: float


def compare_radii(guessed_px: Tensor, true_px: Tensor) -> Agreement:
    """Compare radii (1,H,W), px, >= 0."""
    guessed_sharp, sharp = guessed_px <= IN_FOCUS_PX, true_px <= IN_FOCUS_PX
    union = int((guessed_sharp | sharp).sum())
    thin = [radius[..., ::EVERY_PX, ::EVERY_PX].flatten().numpy() for radius in (guessed_px, true_px)]
    varied = all(float(values.min()) < float(values.max()) for values in thin)
    return Agreement(
        int((guessed_sharp & sharp).sum()) / union if union else math.nan,
        float(spearmanr(*thin).statistic) if varied else math.nan,
        float((guessed_px / true_px)[~sharp].median()) if bool((~sharp).any()) else math.nan,
    )


def judge(renderer: Renderer, scenes: Iterable[Scene]) -> dict[str, Agreement]:
    """Return the agreement on each scene by its name.

    Such a renderer has ``guess_radius_px``: a picture (3,H,W) to radii (1,H,W) in px. Raises InvalidOptionError for one
    that guesses nothing.
    """
    guess_radius_px: Callable[[Tensor], Tensor] | None = getattr(renderer, "guess_radius_px", None)
    if guess_radius_px is None:
        raise InvalidOptionError(f"{renderer.name} guesses no defocus: there is nothing to compare")
    renderer.prepare("cpu")
    found = {}
    for scene in scenes:
        guessed_px = guess_radius_px(scene.image.clamp(max=1.0))
        found[scene.name] = compare_radii(guessed_px, scene.defocus.abs())
    return found


def sum_up(agreements: Iterable[Agreement]) -> Agreement:
    """Return means over scenes, and the median of the ratios, without what is NaN."""
    columns = [
        [value for value in column if not math.isnan(value)] for column in zip(*map(astuple, agreements), strict=True)
    ]
    ways: tuple[Callable[[list[float]], float], ...] = (fmean, fmean, median)
    return Agreement(*(way(column) if column else math.nan for way, column in zip(ways, columns, strict=True)))


@ends_in_one_line("error", also=(OSError,))
def main(arguments: Sequence[str] | None = None) -> int:
    """Print what renderers guess on every scene of a data set, and the means. Exit code 2 where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m bokehbench.benchmarks.guesses", description=main.__doc__)
    parser.add_argument("renderers", metavar="RENDERERS", help="with commas: defocus-to-focus,centre-focus")
    parser.add_argument("dataset", metavar="DATASET", help="one that knows the true defocus: synbokeh-subject")
    parser.add_argument("--data-root", type=Path, metavar="DIR", help=HELP)
    options = parser.parse_args(arguments)
    dataset = load_dataset(options.dataset, options.data_root or default_data_root())
    prepare_dataset(dataset)
    for name in options.renderers.split(","):
        renderer = load_renderer(name)
        scenes = (dataset.load(scene) for scene in dataset.scene_names())
        found = judge(renderer, (scene for scene in scenes if renderer.skip(scene) is None))
        if not found:
            raise InvalidOptionError(f"{name} skips every scene of {options.dataset}: nothing to compare")
        print(f"{name} on {options.dataset}: IoU in focus, rank correlation, ratio of the radii")
        for scene_name, one in {**found, f"all {len(found)}": sum_up(found.values())}.items():
            print(f"  {scene_name:24} {one.in_focus_iou:5.2f} {one.rank_correlation:5.2f} {one.strength_ratio:5.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
