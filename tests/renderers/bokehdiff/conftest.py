"""The tiny models and the scenes that these tests share."""

import pytest
import torch
import torch.nn.functional as F

from bokehbench.renderers.bokehdiff import pipeline as pipeline_module
from bokehbench.renderers.bokehdiff import weight_files

from ...hub_cache import empty_hub_cache  # noqa: F401 - a fixture
from ...tiny_models import *  # noqa: F403 - fixtures


@pytest.fixture
def scene(make_scene):
    return make_scene(32, 48, blur_strength=20.0)


@pytest.fixture
def no_shipped(monkeypatch, tmp_path):
    monkeypatch.setattr(weight_files, "SHIPPED", tmp_path / "weights")
    return tmp_path / "weights"


@pytest.fixture
def picture():
    generator = torch.Generator().manual_seed(0)
    image = F.interpolate(torch.rand(1, 3, 9, 7, generator=generator), (70, 53), mode="bicubic").clamp(0, 1)
    disparity = torch.full((1, 1, 70, 53), 0.2)
    disparity[..., 20:50, 10:30] = 0.9
    return image, disparity


@pytest.fixture
def plans(monkeypatch):
    """Every (geometry, physics, seed) that a plan was built from."""
    seen, build = [], pipeline_module.build_plan
    monkeypatch.setattr(
        pipeline_module, "build_plan", lambda *inputs, **options: seen.append(inputs) or build(*inputs, **options)
    )
    return seen
