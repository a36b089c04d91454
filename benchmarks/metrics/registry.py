"""Metrics by name. Importing this module or listing names imports no torch."""

from typing import TYPE_CHECKING

from ...core.registry import Entry, LazyRegistry

if TYPE_CHECKING:
    from .interface import Metric

METRICS = LazyRegistry(
    "metric",
    "bokehbench.metrics",
    {
        "psnr": Entry(".benchmarks.metrics.pixelwise:Psnr", "PSNR of RGB, 8-bit values"),
        "ssim": Entry(".benchmarks.metrics.structural:Ssim", "SSIM of RGB, 11x11 Gaussian window, sigma 1.5"),
        "ssim-box7": Entry(
            ".benchmarks.metrics.structural_variants:BoxSsim",
            "SSIM with scikit-image's defaults, 7x7 box (Stacked DMSHN, NTIRE 2023)",
        ),
        "ssim-torchmetrics": Entry(
            ".benchmarks.metrics.structural_variants:BorderSsim",
            "SSIM as torchmetrics computes it, border included (Bokehlicious)",
        ),
        "lpips-alex": Entry(".benchmarks.metrics.perceptual:Lpips", "LPIPS 0.1 on AlexNet", {"trunk": "alex"}),
        "lpips-vgg": Entry(".benchmarks.metrics.perceptual:Lpips", "LPIPS 0.1 on VGG-16", {"trunk": "vgg"}),
        "dists": Entry(".benchmarks.metrics.perceptual:Dists", "DISTS (VGG-16) at full resolution"),
        "dists-256": Entry(
            ".benchmarks.metrics.perceptual:Dists",
            "DISTS with the shorter side shrunk to 256 px, as its authors do",
            {"shorter_side_px": 256},
        ),
        "psnr-focus": Entry(".benchmarks.metrics.pixelwise:FocusPsnr", "PSNR of the pixels that are truly in focus"),
        "psnr-edge": Entry(".benchmarks.metrics.pixelwise:EdgePsnr", "PSNR of the pixels that depth edges reach"),
    },
)

DEFAULT_METRICS = ("psnr", "ssim", "lpips-alex", "psnr-focus", "psnr-edge")
"""What a run computes by default. Metrics on VGG cost half a gigabyte of weights, and seconds a picture on a CPU; the
other variants of SSIM serve to compare with papers. They are asked for by name, or by ``--metrics all``.
"""


def load_metric(name: str) -> "Metric":
    """Create a metric; nothing is loaded before its ``prepare``.

    Raises UnknownNameError that suggests neighbours.
    """
    return METRICS.create(name)
