"""MPIB's networks with random weights, and a folder of them laid out as a clone of the authors' repository."""

import pytest
import torch

from bokehbench.renderers.mpib.inpainting import InpaintingNetwork
from bokehbench.renderers.mpib.networks import AUPNet, MPINet
from bokehbench.renderers.registry import load_renderer


@pytest.fixture(scope="package")
def networks():
    """MPINet, AUPNet and the in-painting network, frozen."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        networks = MPINet(), AUPNet(), InpaintingNetwork()
    for network in networks:
        network.requires_grad_(False).eval()
    return networks


@pytest.fixture(scope="package")
def clone(networks, tmp_path_factory):
    """The folder: two networks saved under DataParallel, one before."""
    folder = tmp_path_factory.mktemp("clones") / "MPIB"
    (folder / "checkpoints").mkdir(parents=True)
    for name, prefix, network in zip(("mpinet", "aupnet", "inpnet"), ("module.", "module.", ""), networks, strict=True):
        state = {prefix + key: tensor for key, tensor in network.state_dict().items()}
        torch.save({"model": state}, folder / f"checkpoints/{name}.pth")
    return folder


@pytest.fixture(scope="package")
def renderer(clone):
    """``mpib@FOLDER``, prepared."""
    renderer = load_renderer(f"mpib@{clone}")
    renderer.prepare()
    return renderer
