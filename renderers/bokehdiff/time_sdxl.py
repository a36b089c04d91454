"""Times one SDXL-size pass on a GPU and holds PISA on that GPU against its reference; needs no weights.

    python -m bokehbench.renderers.bokehdiff.time_sdxl [--side 1024] [--dtype bfloat16] [--runs 10] [--compile]

Weights are random: neither time nor memory depends on their values. Without a CUDA device it says so in one line.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..torchvision_guard import ensure_torchvision

ensure_torchvision()

from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel  # noqa: E402

from .dense import pisa_dense  # noqa: E402
from .fast import pisa_fast  # noqa: E402
from .geometry import TokenGeometry  # noqa: E402
from .physics import PisaPhysics  # noqa: E402
from .pipeline import BokehDiffPipeline  # noqa: E402
from .plan import build_plan  # noqa: E402
from .prompt import PromptEmbeddings  # noqa: E402

TOLERANCE = 1e-4
"""Relative error that PISA in float32 may have against the reference in float64."""

GRID = (32, 48)
HEADS, HEAD_WIDTH = 10, 64
BLUR_PX = 40.0


@dataclass(frozen=True)
class Timing:
    """Seconds of each run after the warm-up, and the most memory that torch held, in bytes."""

    seconds: list[float]
    peak_bytes: int


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
    image = torch.rand(1, 3, side_px, side_px, device=device)
    disparity = torch.linspace(0.0, 1.0, side_px, device=device).expand(1, 1, side_px, side_px)
    seconds = []
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    for _ in range(2 + runs):
        start = _now(device)
        pipeline(image, disparity, 0.5, BLUR_PX, tiling="never")
        seconds.append(_now(device) - start)
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return Timing(seconds[2:], peak)


def compare_pisa(device: torch.device, grid: tuple[int, int] = GRID) -> dict[str, float]:
    """Return the largest relative errors of the fast PISA in float32 on ``device``: output and gradients of q, k, v.

    The truth is ``pisa_dense`` in float64 on the CPU, over a slanted scene with an occluder.
    """
    height, width = (16 * n for n in grid)
    disparity = torch.linspace(0.1, 0.5, width).repeat(1, 1, height, 1)
    disparity[..., height // 4 : height // 2, width // 4 : width // 2] = 0.9
    geometry = TokenGeometry.from_maps(disparity, BLUR_PX * (disparity - 0.3), grid)
    physics = PisaPhysics()
    generator = torch.Generator().manual_seed(0)
    shape = (1, HEADS, geometry.tokens, HEAD_WIDTH)
    q, k, v, weight = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(4))
    truth = _output_and_gradients(lambda q, k, v: pisa_dense(q, k, v, geometry, physics), q, k, v, weight)
    plan = build_plan(geometry.to(device), physics)
    inputs = [x.to(device, torch.float32) for x in (q, k, v, weight)]
    found = _output_and_gradients(lambda q, k, v: pisa_fast(q, k, v, plan), *inputs)
    errors = (float((a - b.cpu()).abs().max() / a.abs().max()) for a, b in zip(truth, found, strict=True))
    return dict(zip(("output", "gradient of q", "gradient of k", "gradient of v"), errors, strict=True))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code: 1 where PISA is wrong on this GPU."""
    parser = argparse.ArgumentParser(prog="python -m bokehbench.renderers.bokehdiff.time_sdxl", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--side", type=int, default=1024, metavar="PX", help="default: %(default)s")
    parser.add_argument("--dtype", default="bfloat16", choices=("bfloat16", "float16", "float32"))
    parser.add_argument("--runs", type=int, default=10, metavar="N", help="default: %(default)s")
    parser.add_argument("--compile", action="store_true", help="run the networks through torch.compile")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print(f"skipped: torch {torch.__version__} sees no CUDA device")
        return 0
    device = torch.device("cuda")
    errors = compare_pisa(device)
    for what, error in errors.items():
        print(f"PISA, {what}: largest relative error {error:.1e} (at most {TOLERANCE:.0e})")
    pipeline = build_random_sdxl(device, getattr(torch, options.dtype))
    if options.compile:
        pipeline.unet.compile()
        pipeline.vae.encoder.compile()
        pipeline.vae.decoder.compile()
    timing = time_passes(pipeline, options.side, options.runs)
    median, spread = statistics.median(timing.seconds), max(timing.seconds) - min(timing.seconds)
    print(
        f"{torch.cuda.get_device_name(device)}, {options.dtype}, {options.side} x {options.side} px, untiled: median"
        f" {1000 * median:.0f} ms of {options.runs} runs (spread {1000 * spread:.0f} ms), peak memory"
        f" {timing.peak_bytes / 2**30:.1f} GiB"
    )
    return 0 if max(errors.values()) <= TOLERANCE else 1


def _output_and_gradients(
    attend: Callable[..., Tensor], q: Tensor, k: Tensor, v: Tensor, weight: Tensor
) -> list[Tensor]:
    inputs = [x.detach().requires_grad_() for x in (q, k, v)]
    output = attend(*inputs)
    return [output.detach(), *torch.autograd.grad((output * weight).sum(), inputs)]


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


if __name__ == "__main__":
    sys.exit(main())
