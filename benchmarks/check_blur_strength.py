"""``python -m bokehbench.benchmarks.check_blur_strength DATASET``: whether scenes are blurred as strongly as they say.

Each scene is rendered with ``classical`` at many blur strengths. The one that is nearest to the ground truth, as a
multiple of the scene's own, should be 1: a multiple of 2 or 0.5 is a diameter in the place of a radius, another one the
wrong sensor width or another unit of depth. Beyond 2 % it is said. Only what lies farther from steps in depth than
their blur reaches is compared, for there no renderer that has one picture knows what the lens sees.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, grey_dilation, grey_erosion
from scipy.optimize import minimize_scalar

from ..core.commands import ends_in_one_line
from ..core.errors import MissingDataError
from ..core.option_parser import OneLineParser
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
"""Below it the pixels' own size counts as much as 2 %."""

STEP_PX = 0.5
"""Defocus that differs by more between neighbours is a step: one thing before another, or a steep one."""

SPREAD = 1.1
"""Steps are kept away from by this much more than their own blur, and a pixel."""

LEAST_SHARE = 0.05
"""Of the picture: fewer pixels that can be compared tell too little."""


@dataclass(frozen=True)
class Fit:
    """The multiple of a scene's blur strength that fits its ground truth best, and the PSNR in dB there and at 1."""

    multiple: float
    psnr_db: float
    psnr_stated_db: float


def fit_multiple(renderer: Renderer, scene: Scene, where: NDArray[np.bool_]) -> Fit:
    """Return which multiple of the blur strength brings ``scene`` nearest to its ground truth ``where`` (H,W) is true.

    A grid over the logarithm of the multiple, then Brent's method between the neighbours of its best.
    """
    assert scene.target is not None  # noqa: S101 - asked for before
    target, mask = scene.target.clamp(max=1.0), torch.from_numpy(where)

    def error(logarithm: float) -> float:
        given = replace(scene, blur_strength=scene.blur_strength * math.exp(logarithm), target=None)
        return float(((renderer.render(given) - target)[:, mask] ** 2).mean())

    step = 2.0 * math.log(WIDEST) / (COARSE - 1)
    best = min(((index - COARSE // 2) * step for index in range(COARSE)), key=error)
    found = minimize_scalar(error, bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-3})
    return Fit(math.exp(float(found.x)), _psnr(float(found.fun)), _psnr(error(0.0)))


def compared(defocus: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where (H,W) the blur of ``defocus`` (H,W), signed radii in px, tells how strong it is."""
    return away_from_steps(defocus) & (np.abs(defocus) >= LEAST_RADIUS_PX)


def away_from_steps(defocus: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where (H,W) no blur of a step in ``defocus`` (H,W), signed radii in px, can reach."""
    square = (3, 3)
    steps = grey_dilation(defocus, square) - grey_erosion(defocus, square) > STEP_PX
    reach = grey_dilation(np.abs(defocus), square) * SPREAD + 1.0
    away = ~steps
    top = float(reach.max())
    while top > 1.0:  # by halves: the blur of a step that is nearly sharp does not reach far
        group = steps & (reach <= top) & (reach > 0.5 * top)
        if group.any():
            away &= distance_transform_edt(~group) > top
        top *= 0.5
    return away


def check_scene(renderer: Renderer, scene: Scene) -> tuple[str, str | None]:
    """Return what was found about ``scene``, and what is wrong with it: None where nothing is."""
    where = compared(scene.defocus[0].numpy())
    if scene.target is None or where.mean() < LEAST_SHARE:
        share = f"{100.0 * where.mean():.2g} % of its stated radii are of {LEAST_RADIUS_PX:g} px and away from steps"
        found = "no ground truth" if scene.target is None else share
        return "not checked", f"cannot be checked: {found}: render it larger, or with a wider lens"
    fit = fit_multiple(renderer, scene, where)
    result = (
        f"{fit.multiple:.3f} times its blur strength fits best ({fit.psnr_db:.2f} dB; 1: {fit.psnr_stated_db:.2f} dB)"
    )
    if abs(fit.multiple - 1.0) <= TOLERANCE:
        return result, None
    return result, (
        f"{scene.blur_strength:.5g} px per unit of disparity are stated, {fit.multiple * scene.blur_strength:.5g} fit "
        "best: check the numbers of the lens and the depth"
    )


def _psnr(error: float) -> float:
    return -10.0 * math.log10(max(error, 1e-12))


@ends_in_one_line("error", goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Check scenes. Exit code 1 where one is off by over 2 % or cannot be checked, 2 where the command cannot run."""
    parser = OneLineParser(
        prog="python -m bokehbench.benchmarks.check_blur_strength",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dataset", metavar="DATASET", nargs="?", default="folder", help="default: folder")
    parser.add_argument("--data-root", type=Path, metavar="DIR", help=HELP)
    parser.add_argument("--scenes", nargs="+", metavar="NAME", help="default: all that have ground truth")
    options = parser.parse_args(arguments)
    dataset = load_dataset(options.dataset, options.data_root or default_data_root())
    dataset.prepare()
    names = options.scenes or [name for name in dataset.scene_names() if dataset.has_target(name)]
    if not names:
        raise MissingDataError(f"{options.dataset}: no scene has ground truth")
    renderer = load_renderer("classical")
    renderer.prepare("cpu")
    wrong = 0
    for name in names:
        result, fault = check_scene(renderer, dataset.load(name))
        print(f"{name}: {result}", flush=True)
        if fault is not None:
            wrong += 1
            print(f"warning: {name}: {fault}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
