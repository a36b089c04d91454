"""Small scenes, random trunks in the published layout, and no network for any test of a metric."""

import functools
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from bokehbench.benchmarks.metrics import weights as weights_module
from bokehbench.benchmarks.metrics.registry import load_metric
from bokehbench.core.fetch import DownloadError
from bokehbench.renderers.interface import Scene

ALEXNET_SHAPES = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3), 10: (256, 256, 3)}
VGG16_SHAPES = {
    0: (64, 3, 3), 2: (64, 64, 3), 5: (128, 64, 3), 7: (128, 128, 3), 10: (256, 128, 3), 12: (256, 256, 3),
    14: (256, 256, 3), 17: (512, 256, 3), 19: (512, 512, 3), 21: (512, 512, 3), 24: (512, 512, 3), 26: (512, 512, 3),
    28: (512, 512, 3),
}  # fmt: skip
DISTS_CHANNELS = 3 + 64 + 128 + 256 + 512 + 512


class NoNetwork:
    def __init__(self):
        self.asked = []

    def fetch_file(self, url, destination, sha256_prefix):
        self.asked.append(url)
        raise DownloadError("no network: this is a test")


@pytest.fixture(autouse=True)
def network(monkeypatch, tmp_path) -> NoNetwork:
    """An empty torch hub, no folder of weights from outside, and a network that is not there."""
    network = NoNetwork()
    monkeypatch.setattr(weights_module, "NETWORK", network)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv(weights_module.FOLDER_VARIABLE, raising=False)
    return network


def make_trunk(shapes: dict[int, tuple[int, int, int]], seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    trunk = {}
    for layer, (out, inputs, size) in shapes.items():
        spread = (2.0 / (inputs * size * size)) ** 0.5
        trunk[f"features.{layer}.weight"] = torch.randn(out, inputs, size, size, generator=generator) * spread
        trunk[f"features.{layer}.bias"] = torch.randn(out, generator=generator) * 0.01
    return trunk


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory) -> Path:
    """A folder of weights as ``--weights`` takes it, with random trunks."""
    folder = tmp_path_factory.mktemp("weights")
    (folder / "lpips").mkdir()
    generator = torch.Generator().manual_seed(3)
    balance = {
        name: 0.1 + 0.01 * torch.randn(1, DISTS_CHANNELS, 1, 1, generator=generator) for name in ("alpha", "beta")
    }
    save_file(make_trunk(ALEXNET_SHAPES, 1), folder / "lpips" / "alexnet_features.safetensors")
    save_file(make_trunk(VGG16_SHAPES, 2), folder / "vgg16_features.safetensors")
    save_file(balance, folder / "DISTS_weights.safetensors")
    return folder


def _make_image(height: int, width: int, seed: int = 0) -> Tensor:
    """A texture with detail at several scales, (3,H,W) in [0,1]."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.zeros(1, 3, height, width)
    for cells in (2, 8, 32):
        coarse = torch.rand(1, 3, cells, cells, generator=generator)
        image = image + F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False) / 3
    return image[0].clamp(0.0, 1.0)


def _make_scene(image: Tensor, jump_px: float = 6.0) -> Scene:
    """A scene whose target is ``image``: in focus on the left, ``jump_px`` of blur on the right."""
    disparity = torch.zeros(1, *image.shape[1:])
    disparity[:, :, image.shape[2] // 2 :] = 1.0
    return Scene(name="s", image=image, disparity=disparity, focus_disparity=0.0, blur_strength=jump_px, target=image)


def _blur(image: Tensor, sigma_px: float) -> Tensor:
    offsets = torch.arange(-9, 10, dtype=torch.float32)
    kernel = torch.exp(-(offsets**2) / (2 * sigma_px**2))
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    padded = F.pad(image[None], (9, 9, 9, 9), mode="replicate")
    rows = F.conv2d(padded, kernel, groups=3)
    return F.conv2d(rows, kernel.transpose(2, 3), groups=3)[0]


@pytest.fixture(scope="session")
def make_image():
    return _make_image


@pytest.fixture(scope="session")
def make_scene():
    return _make_scene


@pytest.fixture(scope="session")
def blur():
    return _blur


@pytest.fixture(scope="session")
def prepared(random_weights):
    """Prepared metrics by name, each built once: a VGG takes seconds."""

    @functools.cache
    def prepare(name):
        metric = load_metric(name)
        metric.prepare("cpu", random_weights)
        return metric

    return prepare
