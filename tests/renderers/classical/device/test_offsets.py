"""The scatter in PyTorch's operations on a GPU; ``../test_reference.py`` compares it on the CPU."""

import pytest
import torch

from bokehbench.renderers.classical.device.offsets import scatter_on_device

from ..scenes import SCENES, scatter_naive


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", SCENES)
def test_the_device_path_agrees_on_a_gpu(name):
    linear, radius = SCENES[name]
    on_gpu = scatter_on_device(linear.cuda(), radius.cuda())
    torch.testing.assert_close(on_gpu.cpu().double(), scatter_naive(linear, radius), rtol=0, atol=1e-5)
