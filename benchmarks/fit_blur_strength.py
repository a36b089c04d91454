"""``python -m bokehbench.benchmarks.fit_blur_strength DATASET``: how strongly a set of photographs is blurred.

One number for the whole set, in px per unit of disparity scaled to [0,1] at the widest aperture. It is fitted with the
renderer ``classical`` on pairs outside the scored split, each brought to its target's exposure by one gain per channel,
and written to blur_strength.json beside the data.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.commands import ends_in_one_line
from ..core.errors import InvalidOptionError, MissingDataError
from ..core.option_parser import OneLineParser
from ..core.progress import ProgressBar
from ..core.scene import Scene
from ..datasets.catalogue import load_dataset
from ..datasets.files.data_root import HELP, default_data_root
from ..datasets.pairs.pairs import Pair, PhotographPairs, disparity_command, evenly_chosen
from ..datasets.pairs.strength_file import Strength, write_strength
from ..renderers.interface import Renderer
from ..renderers.registry import load_renderer

STEPS = 25
BEST_PSNR_DB = 100.0


def fit_strength(dataset: PhotographPairs, pairs: Sequence[Pair], strongest: float) -> Strength:
    """Return the strength with the highest mean PSNR over ``pairs``, tried on a grid up to ``strongest``.

    The maximum of the parabola through the best value and its neighbours is taken. Every pair is read once.
    Raises InvalidOptionError where the best value is at the end of the grid.
    """
    renderer = load_renderer("classical")
    renderer.prepare("cpu")
    grid = np.linspace(0.0, strongest, STEPS)
    curve = np.zeros(STEPS)
    for pair in ProgressBar(pairs, desc="fitting", unit="pair"):
        curve += psnr_curve(renderer, dataset.read_pair(pair, 1.0, "channels"), grid) / len(pairs)
    best = int(curve.argmax())
    if best == STEPS - 1:
        raise InvalidOptionError(f"--strongest {strongest:g}: the best strength is at the end: raise it")
    if best == 0:
        raise InvalidOptionError("no blur at all fits best: check the disparity (larger = nearer) and the pictures")
    strength, psnr_db = _vertex(grid[best - 1 : best + 2], curve[best - 1 : best + 2])
    return Strength(round(strength, 2), tuple(pair.name for pair in pairs), round(psnr_db, 3))


def psnr_curve(renderer: Renderer, scene: Scene, strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the PSNR in dB of ``scene`` rendered with each strength (at its own aperture), against its target."""
    assert scene.target is not None  # noqa: S101 - a pair has one
    values = []
    for strength in strengths:
        lens = float(strength) * scene.blur_strength
        given = Scene(
            name=scene.name,
            image=scene.image,
            disparity=scene.disparity,
            focus_disparity=scene.focus_disparity,
            blur_strength=lens,
            gamma=scene.gamma,
        )
        error = float(((renderer.render(given) - scene.target) ** 2).mean())
        values.append(min(-10.0 * np.log10(max(error, 1e-12)), BEST_PSNR_DB))
    return np.array(values)


def _vertex(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Return the maximum of the parabola through three points with equal steps, the middle one the highest."""
    bend = y[0] - 2.0 * y[1] + y[2]
    shift = 0.0 if bend == 0.0 else 0.5 * (y[0] - y[2]) / bend
    return float(x[1] + shift * (x[1] - x[0])), float(y[1] - 0.25 * (y[0] - y[2]) * shift)


@ends_in_one_line("error", also=(OSError,), goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Fit or set the blur strength of ebb or realbokeh. Exit code 2 with one line where that cannot be done."""
    parser = OneLineParser(prog="python -m bokehbench.benchmarks.fit_blur_strength", description=main.__doc__)
    parser.add_argument("dataset", metavar="DATASET", help="ebb or realbokeh; holds for every name of the same data")
    parser.add_argument("--data-root", type=Path, metavar="DIR", help=HELP)
    parser.add_argument("--pairs", type=int, default=30, metavar="N", help="held-out pairs to fit on; default: 30")
    parser.add_argument("--strongest", type=float, default=96.0, metavar="PX", help="end of the grid; default: 96")
    parser.add_argument(
        "--set", type=float, metavar="PX", dest="given", help="write this strength instead of fitting one"
    )
    options = parser.parse_args(arguments)
    _run(options)
    return 0


def _run(options: argparse.Namespace) -> None:
    if options.pairs < 1 or not 0.0 < options.strongest < np.inf:
        raise InvalidOptionError("expected --pairs of at least 1 and --strongest above 0")
    data_root = options.data_root or default_data_root()
    dataset = load_dataset(options.dataset, data_root)
    if not isinstance(dataset, PhotographPairs):
        raise InvalidOptionError(f"{options.dataset} says its own blur strength: only ebb and realbokeh are fitted")
    if options.given is not None:
        if not 0.0 < options.given < np.inf:
            raise InvalidOptionError(f"--set {options.given:g}: expected a number above 0")
        strength = Strength(options.given)
    else:
        ready = [pair for pair in dataset.find_held_out() if pair.disparity_file.is_file()]
        if not ready:
            command = f"{disparity_command(options.dataset, data_root)} --held-out {options.pairs}"
            raise MissingDataError(
                f"{dataset.folder}: no pair outside the split has disparity: make it with  {command}"
            )
        strength = fit_strength(dataset, evenly_chosen(ready, options.pairs), options.strongest)
    path = write_strength(dataset.folder, strength)
    score = "" if strength.psnr_db is None else f", mean PSNR {strength.psnr_db:.2f} dB"
    print(f"{strength.blur_strength:g} px per unit of scaled disparity ({strength.origin}{score}): {path}")


if __name__ == "__main__":
    sys.exit(main())
