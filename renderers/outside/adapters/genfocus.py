"""Genfocus (Generative Refocusing): https://github.com/rayray9999/Genfocus, its BokehNet alone.

Its condition is the unsigned defocus in units of 100 px, which the scene gives directly: no metric depth is needed. The
authors' script resizes sides up to multiples of 16; here they are extended by reflection and cut back.
"""

from types import SimpleNamespace

import numpy as np

INFO = {
    "title": "Genfocus (Tuan Mu et al., arXiv 2512.16923), its BokehNet",
    "repository": "https://github.com/rayray9999/Genfocus",
    "commit": "54752a13a1357d485fc524b77360183886045f76",
    "licence": "code Apache-2.0; its base FLUX.1-dev is gated and non-commercial",
    "install": "torch and its requirements.txt (gradio, jupyter and depth_pro are not needed)",
    "inputs": ("picture", "disparity", "focus", "blur strength"),
    "devices": ("cuda",),
    "deterministic": False,
    "probes": "warn",
    "differs": "no deblurring first; sides are extended by reflection, not resized, to multiples of 16",
    "variants": {
        "genfocus": {
            "summary": "Genfocus's BokehNet (FLUX.1-dev), the authors' code and weights",
            "weights": {"bokehNet.safetensors": "https://huggingface.co/nycu-cplab/Genfocus-Model"},
            "hub": ("black-forest-labs/FLUX.1-dev",),
        },
    },
}

BASE = "black-forest-labs/FLUX.1-dev"
PROMPT = "an excellent photo with a large aperture"
STEPS = 28
LARGEST_PX = 100.0
"""MAX_COC of the authors' script: larger radii are cut off there, and refused here."""

SEEDS = (42, 1234)
"""Of the authors' script, for everything and for the latents; the run's seed is added, which is 0 by default."""

UNTILED_SIDE = 512


def load(folder, device, options):
    """Load FLUX and the LoRA of BokehNet, as Inference_bokehNet.py does."""
    import torch
    from diffusers import FluxPipeline
    from Genfocus.pipeline import flux
    from PIL import Image

    pipeline = FluxPipeline.from_pretrained(BASE, torch_dtype=torch.bfloat16).to(device)
    pipeline.load_lora_weights(folder, weight_name="bokehNet.safetensors", adapter_name="bokeh")
    pipeline.set_adapters(["bokeh"])
    return SimpleNamespace(pipeline=pipeline, flux=flux, torch=torch, Image=Image)


def render(state, image, disparity, params, seed):
    """Give BokehNet the picture and the plane of defocus, each as a condition."""
    torch, Image, flux, pipeline = state.torch, state.Image, state.flux, state.pipeline
    plane = np.abs(disparity - params["focus_disparity"]) * params["blur_strength"] / LARGEST_PX
    if plane.max() > 1.0:
        raise NotImplementedError(f"radii of up to {LARGEST_PX:g} px, asked for {plane.max() * LARGEST_PX:.1f} px")
    height, width = image.shape[:2]
    extend = ((0, -height % 16), (0, -width % 16))
    levels = (image.clip(0.0, 1.0) * 255.0).round().astype(np.uint8)
    picture = Image.fromarray(np.pad(levels, (*extend, (0, 0)), mode="reflect"))
    maps = torch.from_numpy(np.pad(plane.astype(np.float32), extend, mode="reflect"))
    flux.seed_everything(SEEDS[0] + seed)
    with torch.no_grad():
        found = flux.generate(
            pipeline,
            height=picture.size[1],
            width=picture.size[0],
            prompt=PROMPT,
            num_inference_steps=STEPS,
            conditions=[
                flux.Condition(picture, "bokeh"),
                flux.Condition(maps.repeat(3, 1, 1)[None], "bokeh", [0, 0], 1.0, No_preprocess=True),
            ],
            guidance_scale=1.0,
            kv_cache=False,
            generator=torch.Generator(device=pipeline.device).manual_seed(SEEDS[1] + seed),
            NO_TILED_DENOISE=min(picture.size) < UNTILED_SIDE,
        ).images[0]
    used = {"K times |1/Z - 1/Z_focus|": "the scene's defocus in px", "extended": list(picture.size[::-1])}
    return np.asarray(found.convert("RGB"), np.float32)[:height, :width] / 255.0, used
