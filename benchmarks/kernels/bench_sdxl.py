"""Times one SDXL-size pass on a GPU and holds PISA on that GPU against its reference; needs no weights.

    python -m bokehbench.benchmarks.kernels.bench_sdxl [--side 1024] [--dtype bfloat16] [--runs 10] [--compile]
    python -m bokehbench.benchmarks.kernels.bench_sdxl --steps      # released cost structure, then ours, step by step

Weights are random: neither time nor memory depends on their values. How much a step changes the picture does depend on
them, and is only an indication. No setting of PyTorch or of the card is touched; PyTorch lets convolutions use TF32.
Without a CUDA device it says so in one line.
"""

import argparse
import math
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...core.commands import ends_in_one_line
from ...core.diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from ...core.option_parser import OneLineParser
from ...renderers.bokehdiff.pipeline import BokehDiffPipeline
from ...renderers.diffusion.prompt import PromptEmbeddings
from ..gpu.attention import TOLERANCE, compare_pisa
from ..gpu.sdxl import format_steps
from .released_cost import as_released

BLUR_PX = 40.0


@dataclass(frozen=True)
class Timing:
    """Seconds of each run after the warm-up, the most memory that torch held, in bytes, and the last picture."""

    seconds: list[float]
    peak_bytes: int
    picture: Tensor

    @property
    def median(self) -> float:
        """Median of the runs, seconds."""
        return statistics.median(self.seconds)


def build_random_sdxl(device: torch.device, dtype: torch.dtype) -> BokehDiffPipeline:
    """Return the pipeline with SDXL's configuration (2.6 billion parameters) and random weights, made on ``device``."""
    with torch.device(device):
        unet = UNet2DConditionModel(
            sample_size=128,
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            attention_head_dim=(5, 10, 20),
            transformer_layers_per_block=(1, 2, 10),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
            cross_attention_dim=2048,
        ).to(dtype)
        vae = AutoencoderKL(
            sample_size=1024,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            scaling_factor=0.13025,
        )
        prompt = PromptEmbeddings(length=77, width=2048, pooled_width=1280)
    for network in (unet, vae):
        network.requires_grad_(False).eval().to(memory_format=torch.channels_last)
    scheduler = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    return BokehDiffPipeline(vae, unet, scheduler, prompt.to(dtype))


def time_passes(pipeline: BokehDiffPipeline, side_px: int, runs: int) -> Timing:
    """Render a random picture of ``side_px`` squared, untiled: twice to warm up, then ``runs`` times."""
    device = pipeline.device
    image = torch.rand(1, 3, side_px, side_px, generator=torch.Generator().manual_seed(0)).to(device)
    disparity = torch.linspace(0.0, 1.0, side_px, device=device).expand(1, 1, side_px, side_px)
    seconds = []
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    for _ in range(2 + runs):
        start = _now(device)
        picture = pipeline(image, disparity, 0.5, BLUR_PX, tiling="never").images
        seconds.append(_now(device) - start)
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return Timing(seconds[2:], peak, picture)


def time_steps(pipeline: BokehDiffPipeline, side_px: int, runs: int, with_compile: bool = True) -> dict[str, Timing]:
    """Time a float32 pipeline with the released code's cost structure, then ours, and each option added to the last.

    Changes the networks' memory layout and type in place.
    """
    for network in (pipeline.unet, pipeline.vae):
        network.to(memory_format=torch.contiguous_format)
    settings = pipeline.active_settings
    timings = {"released cost structure": time_passes(as_released(pipeline), side_px, runs)}
    pipeline.configure(settings)  # our attention again
    timings["ours, float32"] = time_passes(pipeline, side_px, runs)
    for network in (pipeline.unet, pipeline.vae):
        network.to(memory_format=torch.channels_last)
    timings["+ channels_last"] = time_passes(pipeline, side_px, runs)
    pipeline.unet.to(torch.bfloat16)
    timings["+ bfloat16 U-Net"] = time_passes(pipeline, side_px, runs)
    if with_compile:
        _compile(pipeline)
        timings["+ torch.compile"] = time_passes(pipeline, side_px, runs)
    return timings


def describe_steps(timings: dict[str, Timing]) -> dict[str, dict[str, Any]]:
    """Return each step's runs and median in seconds, peak memory in bytes, and mean squared error of its picture.

    The error is against our float32 picture, None where it is no number: weights are random.
    """
    truth = timings["ours, float32"].picture
    return {
        name: {
            "seconds": timing.seconds,
            "median": timing.median,
            "peak_bytes": timing.peak_bytes,
            "squared_error": _squared_error(timing.picture, truth),
        }
        for name, timing in timings.items()
    }


def _squared_error(picture: Tensor, truth: Tensor) -> float | None:
    error = float((picture - truth).square().mean())
    return error if math.isfinite(error) else None


@ends_in_one_line("bench_sdxl", goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 1 where PISA is wrong on this GPU."""
    parser = OneLineParser(prog="python -m bokehbench.benchmarks.kernels.bench_sdxl", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--side", type=int, default=1024, metavar="PX", help="default: %(default)s")
    parser.add_argument("--dtype", default="bfloat16", choices=("bfloat16", "float16", "float32"))
    parser.add_argument("--runs", type=int, default=10, metavar="N", help="default: %(default)s")
    parser.add_argument("--compile", action="store_true", help="run the networks through torch.compile")
    parser.add_argument(
        "--steps", action="store_true", help="time the released cost structure and every option of ours"
    )
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print(f"skipped: torch {torch.__version__} sees no CUDA device")
        return 0
    device = torch.device("cuda")
    errors = compare_pisa(device)
    for what, error in errors.items():
        print(f"PISA, {what}: largest relative error {error:.1e} (at most {TOLERANCE:.0e})")
    name = torch.cuda.get_device_name(device)
    if options.steps:
        pipeline = build_random_sdxl(device, torch.float32)
        print(f"{name}, {options.side} x {options.side} px, medians of {options.runs} runs")
        print(format_steps(describe_steps(time_steps(pipeline, options.side, options.runs))))
    else:
        pipeline = build_random_sdxl(device, getattr(torch, options.dtype))
        if options.compile:
            _compile(pipeline)
        timing = time_passes(pipeline, options.side, options.runs)
        spread = max(timing.seconds) - min(timing.seconds)
        print(
            f"{name}, {options.dtype}, {options.side} x {options.side} px, untiled: median {1000 * timing.median:.0f}"
            f" ms of {options.runs} runs (spread {1000 * spread:.0f} ms), peak memory"
            f" {timing.peak_bytes / 2**30:.1f} GiB"
        )
    return 0 if max(errors.values()) <= TOLERANCE else 1


def _compile(pipeline: BokehDiffPipeline) -> None:
    pipeline.unet.compile()
    pipeline.vae.encoder.compile()
    pipeline.vae.decoder.compile()


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


if __name__ == "__main__":
    sys.exit(main())
