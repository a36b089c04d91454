"""BokehDiff as its authors released it: https://github.com/FreeButUselessSoul/bokehdiff.

Disparity goes in scaled to [0,1], larger = nearer, and the unsigned defocus in units of 10 px. Distances are measured
in a square of 512 px: smaller pictures are extended to it by reflection, so that the unit holds.
"""

import os
from types import SimpleNamespace

import numpy as np

INFO = {
    "title": "BokehDiff (Zhu et al., ICCV 2025), the authors' release",
    "repository": "https://github.com/FreeButUselessSoul/bokehdiff",
    "commit": "90bc04d0680be5173b5911ea6fe9becd51a0693a",
    "licence": "no licence file",
    "install": "torch, transformers, peft, accelerate and diffusers==0.32.1",
    "inputs": ("picture", "disparity", "focus", "blur strength"),
    "devices": ("cuda",),
    "deterministic": False,
    "probes": "warn",
    "differs": "the float output, not its truncated 8 bits; sides are extended by reflection, not resized, to multiples"
    " of 8; disparity is not opened morphologically; larger disparity is nearer, as in the authors' training",
    "variants": {
        "bokehdiff-release": {
            "summary": "BokehDiff (SDXL), the authors' code and weights",
            "weights": {
                "small/pytorch_lora_weights.safetensors": "https://huggingface.co/zcx65535/bokehdiff",
                "small/vae.ckpt": "https://huggingface.co/zcx65535/bokehdiff, folder small",
            },
            "hub": ("SG161222/RealVisXL_V5.0",),
        },
    },
}

BASE = "SG161222/RealVisXL_V5.0"
DIFFUSERS = "0.32.1"
"""The only version known to work: newer ones give broken pictures (the repository's issue 1)."""

PROMPT = "an excellent photo with a large aperture"
TIMESTEP = 499
TILE_LATENTS = 64
PX_PER_UNIT = 10.0
LEAST_SIDE = 512
"""Side of the square in which the attention measures distances, px."""

PISA_BLOCKS = "down_blocks.1.attentions.0"


def load(folder, device, options):
    """Build the pipeline as inference_hf.py does, without accelerate, xformers and its http mirror."""
    import diffusers
    import torch
    from custom_diffusers.attention_processor import AttnProcessor2_0
    from custom_diffusers.pipeline_sdxl import TiledStableDiffusionXLPipeline
    from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
    from PISA_attn_processor import AttnProcessorDistReciprocal
    from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    if diffusers.__version__ != DIFFUSERS:
        raise ImportError(f"diffusers: expected {DIFFUSERS}, got {diffusers.__version__}: install that")

    def part(kind, name):
        return kind.from_pretrained(BASE, subfolder=name, use_safetensors=True).eval().requires_grad_(False)

    pipeline = TiledStableDiffusionXLPipeline(
        text_encoder=part(CLIPTextModel, "text_encoder"),
        text_encoder_2=part(CLIPTextModelWithProjection, "text_encoder_2"),
        tokenizer=CLIPTokenizer.from_pretrained(BASE, subfolder="tokenizer"),
        tokenizer_2=CLIPTokenizer.from_pretrained(BASE, subfolder="tokenizer_2"),
        unet=part(UNet2DConditionModel, "unet"),
        vae=part(AutoencoderKL, "vae"),
        scheduler=DDPMScheduler.from_pretrained(BASE, subfolder="scheduler"),
        add_watermarker=False,
    ).to(device)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.vae.enable_tiling()
    pipeline.vae.set_attn_processor(AttnProcessor2_0())
    pipeline.unet.set_attn_processor(AttnProcessor2_0())
    weights = os.path.join(folder, "small")
    pipeline.load_lora_weights(weights, weight_name="pytorch_lora_weights.safetensors")
    if not any("lora" in name for name, _ in pipeline.unet.named_parameters()):  # newer diffusers only log this
        raise RuntimeError("diffusers took no key of small/pytorch_lora_weights.safetensors for the U-Net")
    encoder = torch.load(os.path.join(weights, "vae.ckpt"), map_location="cpu", weights_only=True)
    pipeline.vae.load_state_dict(encoder, strict=False)
    pisa = AttnProcessorDistReciprocal(hard=1e7, supersampling_num=5, segment_num=7, train=False)
    for name, module in pipeline.unet.named_modules():
        if PISA_BLOCKS in name and hasattr(module, "set_processor"):
            module.set_processor(pisa)
    return SimpleNamespace(pipeline=pipeline, torch=torch)


def render(state, image, disparity, params, seed):
    """Encode, one step at timestep 499, decode: log_validation of inference_hf.py."""
    torch, pipeline = state.torch, state.pipeline
    height, width = image.shape[:2]
    sides = [max(LEAST_SIDE, side + -side % 8) for side in (height, width)]
    extend = ((0, sides[0] - height), (0, sides[1] - width))
    low, high = float(disparity.min()), float(disparity.max())
    near = (disparity - low) / max(high - low, 1e-12)
    plane = np.abs(disparity - params["focus_disparity"]) * params["blur_strength"] / PX_PER_UNIT
    maps = np.stack([np.pad(one, extend, mode="reflect") for one in (near, plane)])
    device = pipeline.device
    disp_coc = torch.from_numpy(maps.astype(np.float32))[None].to(device)
    picture = torch.from_numpy(np.pad(image, (*extend, (0, 0)), mode="reflect")).permute(2, 0, 1)[None].to(device)
    torch.manual_seed(seed)  # the attention drops weights at random, in inference too
    with torch.inference_mode():
        latents = pipeline.vae.encode(picture * 2.0 - 1.0).latent_dist.mode() * pipeline.vae.config.scaling_factor
        blurred = pipeline(
            PROMPT,
            height=sides[0],
            width=sides[1],
            generator=torch.Generator(device=device).manual_seed(seed),
            guidance_scale=1,
            return_dict=False,
            timesteps=[TIMESTEP],
            cross_attention_kwargs={"disp_coc": disp_coc},
            output_type="pt",
            latents=latents,
            TILE_SIZE=TILE_LATENTS,
        )[0]
    found = blurred[0].permute(1, 2, 0).float().cpu().numpy()[:height, :width]
    used = {"K": params["blur_strength"] * (high - low), "disparity": [low, high], "extended": sides}
    return found.clip(0.0, 1.0), used
