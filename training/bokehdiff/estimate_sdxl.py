"""Counts what training SDXL costs a picture of 512 px, without a GPU and without weights.

    python -m bokehbench.training.bokehdiff.estimate_sdxl

Networks are built on torch's meta device, in bfloat16 (the losses' in float32), batch 1. Operations count a
multiplication and an addition as two. What autograd keeps is counted without weights and allocators' overhead, with
attention as a fused kernel (PISA's block included): a lower bound.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ...benchmarks.kernels.bench_sdxl import build_random_sdxl
from ...core.commands import ends_in_one_line
from ...core.option_parser import OneLineParser
from .picture_task import add_lora

SIDE_PX, LATENT_PX = 512, 64
LORA_RANK = 8
META = torch.device("meta")


class FusedAttention(torch.autograd.Function):
    """Attention that keeps what a fused kernel keeps: queries, keys, values and output, but no weights of pairs."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:  # noqa: D102
        output = (query @ key.transpose(-1, -2)) @ value
        ctx.save_for_backward(query, key, value, output)
        return output


@ends_in_one_line("estimate_sdxl", goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line for each network."""
    parser = OneLineParser(prog="python -m bokehbench.training.bokehdiff.estimate_sdxl", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.parse_args(arguments)
    import lpips
    import timm

    from ...core.diffusers import AttnProcessor2_0

    for profile, part in (("paper", "down"), ("code", "all")):
        pipeline = build_random_sdxl(META, torch.bfloat16)
        pipeline.unet.set_attn_processor(AttnProcessor2_0())
        add_lora(pipeline.unet, LORA_RANK, part, profile)
        print(f"profile {profile}: LoRA of rank {LORA_RANK}, {_millions(pipeline.unet, trained=True):.2f} M parameters")
        _count("U-Net", pipeline.unet, _unet_pass)
    vae = pipeline.vae.to(torch.bfloat16)
    vae.encoder.mid_block.requires_grad_(True)
    _count("VAE encoder, from its middle on", vae.encoder, lambda x: x(_picture(torch.bfloat16)))
    vae.encoder.conv_in.requires_grad_(True)
    _count("VAE encoder, from its input on", vae.encoder, lambda x: x(_picture(torch.bfloat16)))
    _count("VAE decoder", vae.decoder, lambda x: x(_latent().requires_grad_(True)))
    vgg = lpips.LPIPS(net="vgg", pretrained=False, pnet_rand=True, verbose=False).eval().requires_grad_(False)
    _count("LPIPS on VGG-16, both pictures", vgg.to(META), lambda x: x(_picture().requires_grad_(True), _picture()))
    with META:
        convnext = timm.create_model("convnext_base", features_only=True, pretrained=False)
    _count("ConvNeXt-B", convnext.requires_grad_(False), lambda x: x(_picture().requires_grad_(True)))
    return 0


def _count(name: str, network: nn.Module, run: Callable[[Any], object]) -> None:
    weights = {p.untyped_storage()._cdata for p in network.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = storage  # held, so that no other storage gets its address
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    attention = mock.patch.object(
        torch.nn.functional, "scaled_dot_product_attention", lambda q, k, v, **_: FusedAttention.apply(q, k, v)
    )
    with FlopCounterMode(display=False) as operations, hooks, attention:
        run(network)
    gib = sum(storage.nbytes() for storage in kept.values()) / 2**30
    print(
        f"{name}: {_millions(network):.1f} M parameters, {operations.get_total_flops() / 1e12:.2f} TFLOP forward,"
        f" {gib:.2f} GiB kept for backward"
    )


def _unet_pass(unet: Any) -> object:
    z = _latent().requires_grad_(True)  # the encoder is trained through it
    condition = {
        name: torch.empty(1, n, device=META, dtype=z.dtype) for name, n in (("text_embeds", 1280), ("time_ids", 6))
    }
    prompt = torch.empty(1, 77, 2048, device=META, dtype=z.dtype)
    return unet(z, torch.empty(1, device=META, dtype=torch.long), prompt, added_cond_kwargs=condition)


def _picture(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(1, 3, SIDE_PX, SIDE_PX, device=META, dtype=dtype)


def _latent() -> Tensor:
    return torch.empty(1, 4, LATENT_PX, LATENT_PX, device=META, dtype=torch.bfloat16)


def _millions(network: nn.Module, *, trained: bool = False) -> float:
    return sum(p.numel() for p in network.parameters() if p.requires_grad or not trained) / 1e6


if __name__ == "__main__":
    sys.exit(main())
