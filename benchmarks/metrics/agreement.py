"""What a renderer that is given a picture alone guesses, against the truth: three numbers a scene.

- IoU of what is in focus: radii of at most 2 px, guessed and true;
- Spearman's rank correlation of the radii: is what is blurred more blurred more?
- the median ratio of guessed and true radius where the true one is over 2 px: how strong is the blur?
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, astuple, dataclass
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...core.scene import Scene
from ...renderers.interface import Renderer

IN_FOCUS_PX = 2.0
EVERY_PX = 4
"""Ranks are taken of every so many pixels along each axis, which a map that varies slowly does not need more of."""


@dataclass(frozen=True)
class Agreement:
    """How a guess agrees with the truth; NaN where the scene has nothing to compare."""

    in_focus_iou: float
    rank_correlation: float
    strength_ratio: float

    def to_json(self) -> dict[str, float | None]:
        """Return the numbers as rows keep them: None for NaN."""
        return {name: None if math.isnan(value) else value for name, value in asdict(self).items()}


def compare_radii(guessed_px: Tensor, true_px: Tensor) -> Agreement:
    """Compare radii (1,H,W), px, >= 0."""
    guessed_sharp, sharp = guessed_px <= IN_FOCUS_PX, true_px <= IN_FOCUS_PX
    union = int((guessed_sharp | sharp).sum())
    thin = [radius[..., ::EVERY_PX, ::EVERY_PX].flatten().numpy() for radius in (guessed_px, true_px)]
    varied = all(float(values.min()) < float(values.max()) for values in thin)
    return Agreement(
        int((guessed_sharp & sharp).sum()) / union if union else math.nan,
        _rank_correlation(*thin) if varied else math.nan,
        float((guessed_px / true_px)[~sharp].median()) if bool((~sharp).any()) else math.nan,
    )


def judge_guess(renderer: Renderer, image: Tensor, scene: Scene) -> Agreement | None:
    """Return how a prepared renderer's guess from an ``image`` (3,H,W), [0,1], agrees with its unperturbed scene.

    None where the renderer guesses nothing.
    """
    guessed_px = renderer.guess_radius_px(image)
    return None if guessed_px is None else compare_radii(guessed_px.cpu(), scene.defocus.abs())


def sum_up(agreements: Iterable[Agreement]) -> Agreement:
    """Return means over scenes, and the median of the ratios, without what is NaN."""
    columns = [
        [value for value in column if not math.isnan(value)] for column in zip(*map(astuple, agreements), strict=True)
    ]
    ways: tuple[Callable[[list[float]], float], ...] = (fmean, fmean, median)
    return Agreement(*(way(column) if column else math.nan for way, column in zip(ways, columns, strict=True)))


def _rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    from scipy.stats import spearmanr  # here: it takes longer than a scene, and only a renderer that guesses needs it

    return float(spearmanr(first, second).statistic)
