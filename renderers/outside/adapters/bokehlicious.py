"""Bokehlicious: https://github.com/TimSeizinger/Bokehlicious. It takes a picture and an f-number, no depth, no focus.

Its strength is 2 / f-number. Sides have to divide by 4: the authors' script crops, here the picture is extended by
reflection and cut back. The EBB! weights know one aperture, strength 1.
"""

import os
from types import SimpleNamespace

import numpy as np

INFO = {
    "title": "Bokehlicious (Seizinger et al., ICCV 2025)",
    "repository": "https://github.com/TimSeizinger/Bokehlicious",
    "commit": "b5510df3a206f948d9ff4d3ebd83c198c4f11073",
    "licence": "no licence file at that commit",
    "install": "its requirements.txt (torch, torchvision, timm, opencv-python)",
    "inputs": ("picture", "f-number"),
    "differs": "sides are extended to multiples of 4 by reflection, not cropped; pictures are not shrunk to 2000 px; no"
    " 8-bit rounding of the output",
    "variants": {
        "bokehlicious": {
            "summary": "Bokehlicious, small (RealBokeh weights): a picture and an f-number, no depth",
            "weights": {"checkpoints/small.pt": "the repository itself"},
            "options": {"size": "small", "checkpoint": "small.pt"},
        },
        "bokehlicious-large": {
            "summary": "Bokehlicious, large (RealBokeh weights): a picture and an f-number, no depth",
            "weights": {"checkpoints/large.pt": "the repository's .zpaq archive, unpacked"},
            "options": {"size": "large", "checkpoint": "large.pt"},
        },
        "bokehlicious-ebb": {
            "summary": "Bokehlicious, small (EBB! Val294 weights): a picture, one strength",
            "weights": {"checkpoints/small_EBB_Val294.pt": "the repository itself"},
            "options": {"size": "small", "checkpoint": "small_EBB_Val294.pt"},
            "inputs": ("picture",),
        },
    },
}

WIDEST, NARROWEST = 2.0, 20.0
"""f-numbers that the weights were trained for."""


def load(folder, device, options):
    """Build the network and read its weights, as predict.py does."""
    import torch
    from dataset import util
    from method.config import bokehlicious_size_builder
    from method.model import Bokehlicious

    network = Bokehlicious(**bokehlicious_size_builder(options["size"]))
    path = os.path.join(folder, "checkpoints", options["checkpoint"])
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return SimpleNamespace(network=network.to(device).eval(), device=device, util=util, torch=torch)


def render(state, image, disparity, params, seed):
    """Give the network what dataset/util.py makes: picture, two maps of position, strength as number and as map."""
    torch, util, device = state.torch, state.util, state.device
    f_number = params.get("f_number", WIDEST)
    if not WIDEST <= f_number <= NARROWEST:
        raise NotImplementedError(f"it takes f/{WIDEST:g} to f/{NARROWEST:g}, asked for f/{f_number:g}")
    height, width = image.shape[:2]
    padded = np.pad(image, ((0, -height % 4), (0, -width % 4), (0, 0)), mode="reflect")
    source = torch.from_numpy(padded).permute(2, 0, 1)[None].to(device)
    strength = util.calculate_aperture_embedding(f_number)
    with torch.no_grad():
        picture = state.network(
            source=source,
            bokeh_strength=torch.tensor([strength], dtype=torch.float32, device=device),
            pos_map=torch.stack(util.get_pos_map(padded.shape[1], padded.shape[0]))[None].to(device),
            bokeh_strength_map=torch.full_like(source[:, :1], strength),
        )
    picture = picture[0].permute(1, 2, 0).cpu().numpy()[:height, :width]
    return picture.clip(0.0, 1.0), {"av": f_number, "bokeh_strength": strength, "padded": padded.shape[:2]}
