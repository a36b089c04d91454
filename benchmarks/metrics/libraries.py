"""``python -m bokehbench.benchmarks.metrics.libraries RUN``: SSIM as common libraries compute it, on a run's pictures.

RUN is a run's folder, ``results/NAME``. Prints how far each library's value is from this project's ``ssim``, over all
pictures that were scored. Needs what PACKAGES names beside the project's own packages.
"""

import importlib.metadata
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ...core.commands import ends_in_one_line
from ...core.errors import InvalidOptionError
from ...core.files import read_image
from ...core.option_parser import OneLineParser
from ...core.progress import ProgressBar
from ...core.torchvision_guard import ensure_torchvision
from .structural import mean_ssim

PACKAGES = ("torchmetrics==1.9.0", "kornia==0.9.0", "piq==0.8.0")

Score = Callable[[Tensor, Tensor], float]
"""Compares two (3,H,W) float32 of 8-bit values in [0,1]."""


def load_libraries() -> dict[str, Score]:
    """Return each library's SSIM by what is called and how. Raises InvalidOptionError where one is not installed."""
    ensure_torchvision()
    try:
        import kornia
        import piq
        from pyiqa.archs.ssim_arch import SSIM
        from skimage.metrics import structural_similarity
        from torchmetrics.functional.image import structural_similarity_index_measure
    except ImportError as error:
        raise InvalidOptionError(f"{error}: pip install {' '.join(PACKAGES)}") from error
    rgb, luma = SSIM(test_y_channel=False), SSIM(test_y_channel=True)
    in_batches: dict[str, Callable[[Tensor, Tensor], Any]] = {
        "torchmetrics, `data_range=1`": partial(structural_similarity_index_measure, data_range=1.0),
        "kornia, window 11": lambda image, target: kornia.metrics.ssim(image, target, 11).mean(),
        "pyiqa, `ssimc` (RGB)": rgb,
        "pyiqa, `ssim` (luma of YIQ)": luma,
        "piq, its defaults": piq.ssim,
    }
    box = partial(structural_similarity, channel_axis=0, data_range=1.0)
    return {"scikit-image, its defaults (7x7 box)": lambda image, target: float(box(image.numpy(), target.numpy()))} | {
        name: partial(_alone, score) for name, score in in_batches.items()
    }


def _alone(score: Callable[[Tensor, Tensor], Any], image: Tensor, target: Tensor) -> float:
    return float(score(image[None], target[None]))


def read_pairs(run: Path) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield every picture of a run with its target. Raises InvalidOptionError for a folder that holds none."""
    pictures = sorted((run / "images").glob("*/*/*.png"))
    if not pictures:
        raise InvalidOptionError(f"{run}: no pictures of a run in it: expected results/NAME of one that has ended")
    for picture in ProgressBar(pictures, unit="picture"):
        target = run / "scenes" / picture.parent.relative_to(run / "images") / "target.png"
        if target.exists():
            yield read_image(picture), read_image(target)


@ends_in_one_line("libraries", "libraries: interrupted", goes_on=False)
def main(arguments: list[str]) -> int:
    """Run the command line ``arguments``; return the exit code."""
    parser = OneLineParser(prog="python -m bokehbench.benchmarks.metrics.libraries", description=__doc__)
    parser.add_argument("run", metavar="RUN", type=Path, help="a run's folder, results/NAME")
    run = parser.parse_args(arguments).run
    libraries = load_libraries()
    off: dict[str, list[float]] = {name: [] for name in libraries}
    for image, target in read_pairs(run):
        ours = mean_ssim(image.numpy(), target.numpy())
        for name, score in libraries.items():
            off[name].append(score(image, target) - ours)
    print(f"{len(next(iter(off.values())))} pictures; difference from `ssim`: least, median, largest")
    for name, differences in off.items():
        values = np.quantile(differences, (0.0, 0.5, 1.0))
        print(f"| {name} | {' | '.join(f'{value:+.4f}' for value in values)} |")
    versions = (
        f"{name} {importlib.metadata.version(name)}"
        for name in ("scikit-image", "pyiqa", "torchmetrics", "kornia", "piq")
    )
    print(", ".join(versions))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
