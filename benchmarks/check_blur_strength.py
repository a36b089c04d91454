"""``python -m bokehbench.benchmarks.check_blur_strength DATASET``: whether scenes are blurred as strongly as they say.

Each scene is rendered with ``classical-occlusion`` at many blur strengths. The one that is nearest to the ground truth,
as a multiple of the scene's own, should be 1: a multiple of 2 or 0.5 is a diameter in the place of a radius, a sensor
width in the place of another, or depth in another unit. Beyond 2 % it is said.
"""

import argparse
import logging
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from scipy.optimize import minimize_scalar

from ..core.commands import ends_in_one_line
from ..core.errors import InvalidOptionError, MissingDataError
from ..core.scene import Scene
from ..datasets.catalogue import load_dataset
from ..datasets.files.data_root import HELP, default_data_root
from ..renderers.interface import Renderer
from ..renderers.registry import load_renderer

TOLERANCE = 0.02
WIDEST = 3.0
"""Multiples between 1 / WIDEST and WIDEST are tried."""

COARSE = 13
LEAST_RADIUS_PX = 3.0
"""Of the largest blur: below it the pixels themselves blur as much, and 2 % cannot be seen."""

RENDERER = "classical-occlusion"


@dataclass(frozen=True)
class Fit:
    """The multiple of a scene's blur strength that fits its ground truth best, and the PSNR in dB there and at 1."""

    multiple: float
    psnr_db: float
    psnr_stated_db: float


def fit_multiple(renderer: Renderer, scene: Scene) -> Fit:
    """Return which multiple of the blur strength brings ``scene``, which has ground truth, nearest to it.

    A grid over the logarithm of the multiple, then Brent's method between the neighbours of its best.
    """

    def error(logarithm: float) -> float:
        given = replace(scene, blur_strength=scene.blur_strength * math.exp(logarithm), target=None)
        return float(((renderer.render(given) - target) ** 2).mean())

    assert scene.target is not None  # noqa: S101 - said by the caller
    target = scene.target.clamp(max=1.0)
    step = 2.0 * math.log(WIDEST) / (COARSE - 1)
    grid = [(index - COARSE // 2) * step for index in range(COARSE)]
    best = min(grid, key=error)
    found = minimize_scalar(error, bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-3})
    return Fit(math.exp(float(found.x)), _psnr(float(found.fun)), _psnr(error(0.0)))


def judge(scene: Scene, fit: Fit) -> str | None:
    """Return what is wrong with the blur strength of ``scene``; None where it fits within TOLERANCE."""
    if abs(fit.multiple - 1.0) <= TOLERANCE:
        return None
    near = next((f", nearly {name}" for name, value in USUAL.items() if abs(fit.multiple / value - 1.0) < 0.1), "")
    return (
        f"{scene.blur_strength:.5g} px per unit of disparity are stated, {fit.multiple:.3f} times that fits best"
        f"{near}: check the conversion of lens and depth"
    )


USUAL = {"a half (a radius for a diameter?)": 0.5, "double (a diameter for a radius?)": 2.0}


def _psnr(error: float) -> float:
    return -10.0 * math.log10(max(error, 1e-12))


@ends_in_one_line("error")
def main(arguments: Sequence[str] | None = None) -> int:
    """Check scenes. Exit code 1 where one is off by more than 2 %, 2 with one line where it cannot be checked."""
    parser = argparse.ArgumentParser(
        prog="python -m bokehbench.benchmarks.check_blur_strength",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dataset", metavar="DATASET", nargs="?", default="folder", help="default: folder")
    parser.add_argument("--data-root", type=Path, metavar="DIR", help=HELP)
    parser.add_argument("--scenes", nargs="+", metavar="NAME", help="default: all that have ground truth")
    options = parser.parse_args(arguments)
    logging.getLogger("bokehbench").setLevel(logging.ERROR)
    return _check(options)


def _check(options: argparse.Namespace) -> int:
    dataset = load_dataset(options.dataset, options.data_root or default_data_root())
    dataset.prepare()
    names = options.scenes or [name for name in dataset.scene_names() if dataset.has_target(name)]
    if not names:
        raise MissingDataError(f"{options.dataset}: no scene has ground truth")
    renderer = load_renderer(RENDERER)
    renderer.prepare("cpu")
    wrong = 0
    with torch.inference_mode():
        for name in names:
            scene = dataset.load(name)
            _require_blur(scene)
            fit = fit_multiple(renderer, scene)
            verdict = judge(scene, fit)
            wrong += verdict is not None
            print(f"{name}: {fit.multiple:.3f} ({fit.psnr_db:.2f} dB; {fit.psnr_stated_db:.2f} dB as stated)")
            if verdict is not None:
                print(f"warning: {name}: {verdict}", file=sys.stderr)
    return 1 if wrong else 0


def _require_blur(scene: Scene) -> None:
    if scene.target is None:
        raise InvalidOptionError(f"{scene.name}: has no ground truth to hold it against")
    largest = float(scene.defocus.abs().max())
    if largest < LEAST_RADIUS_PX:
        raise InvalidOptionError(
            f"{scene.name}: expected radii of up to {LEAST_RADIUS_PX:g} px and more, got {largest:.2g} px: too little to "
            "tell 2 % by: render it larger, or with a wider lens"
        )


if __name__ == "__main__":
    sys.exit(main())
