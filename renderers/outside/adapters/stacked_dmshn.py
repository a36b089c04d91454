"""DMSHN and Stacked DMSHN: https://github.com/saikatdutta/Stacked_DMSHN_bokeh. They take a picture and nothing else.

Both were trained for the one look of EBB!. The authors' scripts bring every picture to 1536x1024 and back, whatever its
shape: so does this adapter, since the blur is bound to that size.
"""

import os
from types import SimpleNamespace

import numpy as np

INFO = {
    "title": "Stacked DMSHN (Dutta et al., CVPR Workshops 2021)",
    "repository": "https://github.com/saikatdutta/Stacked_DMSHN_bokeh",
    "commit": "f0ba9ac8ba5771bc57a4824e5fc90e203285d03c",
    "licence": "MIT",
    "install": "torch 1.13 or newer, numpy and pillow",
    "inputs": ("picture",),
    "differs": "one fixed look for every scene; no 8-bit rounding of the network's output",
    "variants": {
        "dmshn": {
            "summary": "DMSHN (EBB! weights): a picture alone, one look",
            "weights": {"checkpoints/DMSHN/dmshn.pth": "the repository itself"},
            "options": {"network": "DMSHN", "checkpoint": "DMSHN/dmshn.pth"},
        },
        "stacked-dmshn": {
            "summary": "Stacked DMSHN (EBB! weights): a picture alone, one look",
            "weights": {"checkpoints/SDMSHN/sdmshn.pth": "the repository itself"},
            "options": {"network": "stacked_DMSHN", "checkpoint": "SDMSHN/sdmshn.pth"},
        },
    },
}

WIDTH, HEIGHT = 1536, 1024
"""feed_width and feed_height of the authors' scripts."""

PREFIX = "module."
"""Of the stacked network's keys, which were saved from a DataParallel."""


def load(folder, device, options):
    """Build the network and read its weights, as the test scripts do."""
    import torch
    from DMSHN import DMSHN
    from PIL import Image
    from stacked_DMSHN import stacked_DMSHN

    path = os.path.join(folder, "checkpoints", options["checkpoint"])
    state = torch.load(path, map_location="cpu", weights_only=True)
    network = DMSHN() if options["network"] == "DMSHN" else stacked_DMSHN()
    network.load_state_dict({k[len(PREFIX) :] if k.startswith(PREFIX) else k: v for k, v in state.items()})
    return SimpleNamespace(network=network.to(device).eval(), device=device, torch=torch, Image=Image)


def render(state, image, disparity, params, seed):
    """Resize the 8-bit picture by Lanczos, run the network, resize back bilinearly."""
    torch, Image = state.torch, state.Image
    small = Image.fromarray((image.clip(0.0, 1.0) * 255.0).round().astype(np.uint8)).resize(
        (WIDTH, HEIGHT), Image.LANCZOS
    )
    given = torch.from_numpy(np.array(small, np.float32) / 255.0).permute(2, 0, 1)[None].to(state.device)
    with torch.no_grad():
        picture = torch.nn.functional.interpolate(state.network(given), image.shape[:2], mode="bilinear")
    return picture[0].permute(1, 2, 0).cpu().numpy().clip(0.0, 1.0), {"resized": [HEIGHT, WIDTH]}
