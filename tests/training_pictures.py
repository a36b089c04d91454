"""Photographs and cut-outs made of noise, and settings of training scenes that use them."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Folders with two photographs and two cut-outs, made of noise and discs."""
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for number, size in enumerate([(60, 80), (90, 70)]):
        coarse = Image.fromarray(rng.integers(0, 256, (9, 9, 3), np.uint8))
        (root / "photographs").mkdir(exist_ok=True)
        coarse.resize(size, Image.Resampling.BICUBIC).save(root / "photographs" / f"photo {number}.jpg")
        y, x = np.mgrid[:48, :40]
        alpha = 255 * (np.hypot(y - 24, x - 20) < 15 + 3 * number)
        colour = np.broadcast_to(rng.integers(0, 256, 3), (48, 40, 3))
        (root / "cutouts").mkdir(exist_ok=True)
        rgba = np.concatenate([colour, alpha[..., None]], axis=2).astype(np.uint8)
        Image.fromarray(rgba).save(root / "cutouts" / f"cut-out {number}.png")
    return root


@pytest.fixture
def settings(pictures):
    """Return settings of scenes as YAML would give them."""
    return {
        "photographs": [str(pictures / "photographs")],
        "cutouts": [str(pictures / "cutouts")],
        "size_px": 32,
        "planes": [1, 3],
        "radius_px": [0.0, 6.0],
        "lens_samples": 64,
    }
