"""Fixtures that every folder of tests shares."""

from collections.abc import Callable

import pytest
import torch

from bokehbench.renderers.interface import Scene


@pytest.fixture
def make_scene() -> Callable[..., Scene]:
    """A factory of small random scenes: a near square over a far plane; keyword arguments replace fields of Scene."""

    def make(height: int = 24, width: int = 32, seed: int = 0, **fields) -> Scene:
        generator = torch.Generator().manual_seed(seed)
        disparity = torch.full((1, height, width), 0.2)
        disparity[:, height // 4 : -height // 4, width // 4 : -width // 4] = 0.8
        image = torch.rand(3, height, width, generator=generator)
        defaults = {
            "name": f"random-{seed}",
            "image": image,
            "disparity": disparity,
            "focus_disparity": 0.8,
            "blur_strength": 6.0,
            "target": image.clone(),
        }
        return Scene(**(defaults | fields))

    return make
