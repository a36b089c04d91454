"""``python -m bokehbench.benchmarks.guesses RENDERERS DATASET``: what methods that see the picture alone guess.

Such a method chooses what is in focus and how far the rest is blurred. ``metrics.agreement`` says which numbers compare
that with the truth; a run stores them, too, and its report shows their means. Here they are printed scene by scene.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..core.commands import ends_in_one_line
from ..core.errors import InvalidOptionError
from ..core.option_parser import OneLineParser
from ..core.scene import Scene
from ..datasets.catalogue import load_dataset
from ..datasets.files.data_root import HELP, default_data_root
from ..datasets.interface import prepare_dataset
from ..renderers.interface import Renderer
from ..renderers.registry import load_renderer
from .metrics.agreement import Agreement, judge_guess, sum_up


def judge(renderer: Renderer, scenes: Iterable[Scene]) -> dict[str, Agreement]:
    """Return the agreement on each scene by its name. Raises InvalidOptionError for a renderer that guesses nothing."""
    renderer.prepare("cpu")
    found = {}
    for scene in scenes:
        agreement = judge_guess(renderer, scene.image.clamp(max=1.0), scene)
        if agreement is None:
            raise InvalidOptionError(f"{renderer.name} guesses no defocus: there is nothing to compare")
        found[scene.name] = agreement
    return found


@ends_in_one_line("error", also=(OSError,), goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Print what renderers guess on every scene of a data set, and the means. Exit code 2 where that cannot be done."""
    parser = OneLineParser(prog="python -m bokehbench.benchmarks.guesses", description=main.__doc__)
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
