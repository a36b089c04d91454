"""Tiny trainings of BokehDiff: their configurations, and what comes out."""

import torch
import yaml
from safetensors.torch import load_file

TINY = {
    "vae_width": 32,
    "vae_groups": 4,
    "latent_channels": 4,
    "unet_widths": [8, 16],
    "unet_groups": 4,
    "heads": 2,
    "prompt_width": 8,
}


def write_config(folder, settings, task="latent", model=None, data=None, **run):
    """Write a configuration to ``folder``, which also gets the run; ``data``: what differs in ``model.data``."""
    scenes = {"scenes": settings, "crop_px": 32, "validation": settings | {"seed": 9}}
    values = {
        "task": f"bokehdiff/{task}",
        "output": str(folder / "run"),
        "steps": 6,
        "batch": 2,
        "optimiser": {"learning_rate": 1.0e-3, "warmup": 1},
        "ema": 0.5,
        "checkpoint_every": 2,
        "validate_every": 3,
        "validation_count": 2,
        "model": {
            "data": scenes | (data or {}),
            "size": TINY,
            **({} if task == "autoencoder" else {"hardness": [30.0, 1.0e7], "rays": 1}),
            **({"losses": {"lpips": 0.0, "adversarial": 0.0}} if task == "picture" else {}),
            **(model or {}),
        },
    }
    folder.mkdir(exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values | run), encoding="utf-8")
    return path


def weights(folder):
    """Return all weights of a saved pipeline's U-Net and autoencoder."""
    return {
        f"{part}.{name}": value
        for part in ("unet", "vae")
        for name, value in load_file(folder / part / "diffusion_pytorch_model.safetensors").items()
    }


def assert_same(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
