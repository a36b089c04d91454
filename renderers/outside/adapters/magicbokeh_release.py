"""MagicBokeh as its authors released it: https://github.com/vivoCameraResearch/MagicBokeh.

The condition is |d - focus| K / 32 with disparity in [0,1]; depth and focus are cut to 8 bits, as in inference.py. It
was trained with K up to 32, that is radii up to 32 px: beyond that a scene is skipped. Sides below 512 px are extended
by reflection. ``lora.pkl`` holds a pickled module: reading it runs whatever code it names, so the folder has to say
that this is wanted.
"""

import argparse
import os
from types import SimpleNamespace

import numpy as np

INFO = {
    "title": "MagicBokeh (Shi et al., CVPR 2026), the authors' release",
    "repository": "https://github.com/vivoCameraResearch/MagicBokeh",
    "commit": "c672e630be350148131c119f8e8c2d669ac197b5",
    "licence": "none stated",
    "install": "torch 2.3 and its requirements.txt",
    "inputs": ("picture", "disparity", "focus", "blur strength"),
    "devices": ("cuda",),
    "deterministic": False,
    "probes": "warn",
    "differs": "K is no whole number; sides below 512 px are extended by reflection",
    "variants": {
        "magicbokeh-release": {
            "summary": "MagicBokeh (SD 2.1), the authors' code and weights",
            "weights": {"checkpoint/lora.pkl": "https://huggingface.co/LinxiaoShi/Magicbokeh"},
            "hub": ("Manojb/stable-diffusion-2-1-base",),
        },
    },
}

BASE = "Manojb/stable-diffusion-2-1-base"
TRUST = ".bokehbench-trust-pickles"
LARGEST_K = 32.0
LEAST_SIDE = 512
SHARP = 0.1
"""Of the condition: what the attention takes for in focus."""


def load(folder, device, options):
    """Let the authors' class load everything, once the folder says that its pickle may be read."""
    if not os.path.exists(os.path.join(folder, TRUST)):
        raise FileNotFoundError(
            f"checkpoint/lora.pkl holds a pickled module, and reading it runs its code: if you trust it, create {TRUST}"
        )
    os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"  # torch 2.6 and newer refuse it otherwise
    import inference
    import torch
    from magicbokeh import model_test
    from PIL import Image
    from utils.wavelet_color_fix import adain_color_fix

    path = os.path.join(folder, "checkpoint", "lora.pkl")
    model = model_test(
        argparse.Namespace(pretrained_model_name_or_path=BASE, model_path=path, mixed_precision="fp16", seed=0)
    )
    return SimpleNamespace(model=model, inference=inference, adain_color_fix=adain_color_fix, torch=torch, Image=Image)


def render(state, image, disparity, params, seed):
    """Do what inference.py does with a picture: tiles, one pass each, blended; colours matched to the input's."""
    torch, Image, model, inference = state.torch, state.Image, state.model, state.inference
    low, high = float(disparity.min()), float(disparity.max())
    span = max(high - low, 1e-12)
    strength = params["blur_strength"] * span
    focus = np.floor((params["focus_disparity"] - low) / span * 255.0) / 255.0
    depth = ((disparity - low) / span * 255.0).astype(np.uint8).astype(np.float32) / 255.0
    plane = np.abs(depth - np.float32(focus)) * np.float32(strength / LARGEST_K)
    if plane.max() > 1.0:
        raise NotImplementedError(f"radii of up to {LARGEST_K:g} px, asked for {plane.max() * LARGEST_K:.1f} px")
    height, width = image.shape[:2]
    extend = ((0, max(0, LEAST_SIDE - height)), (0, max(0, LEAST_SIDE - width)))
    levels = (image.clip(0.0, 1.0) * 255.0).round().astype(np.uint8)
    padded = np.pad(levels, (*extend, (0, 0)), mode="reflect").astype(np.float32) / 255.0
    lq = torch.from_numpy(padded).permute(2, 0, 1)[None].to(model.device)
    condition = torch.from_numpy(np.pad(plane, extend, mode="reflect"))[None, None].to(model.device)
    torch.manual_seed(seed)  # it samples the encoder's posterior
    with torch.no_grad():
        tiles, places = inference.extract_patches(lq)
        planes, _ = inference.extract_patches(condition)
        made = [
            model(tile * 2 - 1, one * 2 - 1, (1 - (one > SHARP).float()) * 2 - 1, "")
            for tile, one in zip(tiles, planes)  # noqa: B905 - Python 3.7
        ]
        whole = inference.reconstruct_from_patches(torch.stack(made), lq.shape, positions=places)
    found = (whole[0].permute(1, 2, 0).float().cpu().numpy()[:height, :width] * 0.5 + 0.5).clip(0.0, 1.0)
    target = Image.fromarray((found * 255.0).astype(np.uint8))
    picture = state.adain_color_fix(target=target, source=Image.fromarray(levels))
    used = {"K": strength, "focus": focus, "disparity": [low, high], "extended": list(padded.shape[:2])}
    return np.asarray(picture, np.float32) / 255.0, used
