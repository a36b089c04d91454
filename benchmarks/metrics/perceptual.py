"""Learned metrics: LPIPS and DISTS, computed by their published implementations on verified weights."""

import hashlib
import math
import warnings
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch import Tensor, nn

from ...core.torchvision_guard import ensure_torchvision
from .comparison import Comparison
from .interface import ComparisonMetric
from .weights import ALEXNET, DISTS_WEIGHTS, VGG16, fill_parameters, gather_weights

LPIPS_TRUNKS = {"alex": (ALEXNET, "AlexNet", 31), "vgg": (VGG16, "VGG-16", 16)}
"""Trunks of LPIPS: their weights, their name, the smaller side in px of the least image they leave something of."""

VGG16_STAGES = ((0, 4), (4, 9), (9, 16), (16, 23), (23, 30))
"""Layers of VGG-16 up to each of its poolings, which DISTS replaces: the first of every stage but the first one."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class NetworkMetric(ComparisonMetric):
    """A distance computed by a network, 0 for identical images. Sub-classes write ``_build`` and ``_distance``."""

    higher_is_better = False
    bounds = (0.0, math.inf)
    least_size_px: int
    """The smaller side of the least image that the network's strides leave something of."""

    def __init__(self) -> None:
        super().__init__()
        self._network: nn.Module | None = None

    def prepare(self, device: str | torch.device = "cpu", weights: Path | None = None) -> None:
        """Build the network and load its weights, from the folder ``weights`` or elsewhere: see ``read_weights``.

        Raises MissingWeightsError where they cannot be had.
        """
        super().prepare(device)
        network = self._build(weights).eval().requires_grad_(False)
        self.weights = _hash_weights(network)
        self._network = network.to(self._device)

    def compare(self, comparison: Comparison) -> float | None:
        """Return the distance; None for an image smaller than ``least_size_px``. Prepares the network if need be."""
        if self._network is None:
            self.prepare()
        image, target = comparison.on(self._device)
        if min(image.shape[1:]) < self.least_size_px:
            return None
        with torch.inference_mode(), _exact_convolutions():
            return float(self._distance(self._network, image[None], target[None]))

    @abstractmethod
    def _build(self, weights: Path | None) -> nn.Module:
        """Return the network with all its weights, on the CPU."""

    @abstractmethod
    def _distance(self, network: Any, image: Tensor, target: Tensor) -> Tensor:
        """Compare two (1,3,H,W) in [0,1]; return one number."""


class Lpips(NetworkMetric):
    """LPIPS 0.1 with its linear heads on a ``trunk`` that was trained on ImageNet: ``"alex"`` or ``"vgg"``.

    Computed by the lpips package. It takes [-1,1]; the images here are in [0,1], hence ``normalize=True``.
    Source: Zhang, Isola, Efros, Shechtman, Wang, "The Unreasonable Effectiveness of Deep Features as a Perceptual
    Metric", 2018.
    """

    def __init__(self, trunk: str):
        super().__init__()
        self._trunk = trunk
        _, architecture, self.least_size_px = LPIPS_TRUNKS[trunk]
        self.name = f"lpips-{trunk}"
        self.description = (
            f"LPIPS version 0.1 with linear heads on {architecture} features, 8-bit RGB at full resolution"
        )

    def _build(self, weights: Path | None) -> nn.Module:
        return build_lpips(self._trunk, self.name, weights)

    def _distance(self, network: Any, image: Tensor, target: Tensor) -> Tensor:
        return network(image, target, normalize=True)


class Dists(NetworkMetric):
    """DISTS, computed by pyiqa; ``shorter_side_px`` is what larger images are shrunk to first, None: full resolution.

    The authors' evaluation shrinks to 256 px (``dists-256``): the 8-bit picture, by Pillow's bilinear filter, which
    averages what it skips. Source: Ding, Ma, Wang, Simoncelli, "Image Quality Assessment: Unifying Structure and
    Texture Similarity", 2020.
    """

    least_size_px = 16

    def __init__(self, shorter_side_px: int | None = None):
        super().__init__()
        self._shorter_side_px = shorter_side_px
        self.name, size = ("dists", "at full resolution")
        if shorter_side_px is not None:
            self.name, size = f"dists-{shorter_side_px}", f"with the shorter side shrunk to {shorter_side_px} px"
        self.description = f"DISTS (VGG-16 structure and texture, pyiqa's implementation), 8-bit RGB {size}"

    def _build(self, weights: Path | None) -> nn.Module:
        tensors = gather_weights([VGG16, DISTS_WEIGHTS], ["torchvision", "pyiqa"], self.name, weights)
        network = _make_dists()
        fill_parameters(network, tensors, self.name)
        return network

    def _distance(self, network: Any, image: Tensor, target: Tensor) -> Tensor:
        if self._shorter_side_px is not None:
            image, target = (shrink(picture, self._shorter_side_px) for picture in (image, target))
        return network(image, target)


def shrink(picture: Tensor, shorter_side_px: int) -> Tensor:
    """Return a picture of 8-bit values, (1,3,H,W) in [0,1], with a shorter side of at most ``shorter_side_px``.

    Again of 8-bit values; the longer side is rounded down, as torchvision's ``resize`` does.
    """
    height, width = picture.shape[2:]
    shorter = min(height, width)
    if shorter <= shorter_side_px:
        return picture
    size = (width * shorter_side_px // shorter, height * shorter_side_px // shorter)
    levels = (picture[0].permute(1, 2, 0) * 255.0).round().to("cpu", torch.uint8).numpy()
    shrunk = np.asarray(PIL.Image.fromarray(levels).resize(size, PIL.Image.Resampling.BILINEAR))
    return torch.from_numpy(shrunk.copy()).permute(2, 0, 1)[None].to(picture.device, picture.dtype) / 255.0


def build_lpips(trunk: str, needed_by: str, weights: Path | None = None) -> nn.Module:
    """Return the lpips package's network on ``trunk`` with all its published weights, on the CPU.

    Raises MissingWeightsError, which names ``needed_by`` and all that is missing, where they cannot be had.
    """
    features = gather_weights([LPIPS_TRUNKS[trunk][0]], ["torchvision", "lpips"], needed_by, weights)
    ensure_torchvision()
    import lpips

    heads = Path(lpips.__file__).parent / "weights" / "v0.1" / f"{trunk}.pth"
    with warnings.catch_warnings():  # lpips calls torchvision by a name of the past
        warnings.simplefilter("ignore", UserWarning)
        network = lpips.LPIPS(pretrained=False, net=trunk, version="0.1", pnet_rand=True, verbose=False)
    fill_parameters(network, {**features, **torch.load(heads, map_location="cpu", weights_only=True)}, needed_by)
    return network


def _hash_weights(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def _make_dists() -> nn.Module:
    """Return pyiqa's network without weights: its own constructor downloads VGG-16 and does not verify it."""
    ensure_torchvision()
    from pyiqa.archs.dists_arch import DISTS, L2pooling
    from torchvision.models import vgg

    class UntrainedDists(DISTS):  # type: ignore[misc]
        def __init__(self) -> None:
            nn.Module.__init__(self)
            layers = vgg.make_layers(vgg.cfgs["D"])
            self.chns = [3, 64, 128, 256, 512, 512]
            for stage, (first, end) in enumerate(VGG16_STAGES, 1):
                chosen = {str(layer): layers[layer] for layer in range(first, end)}
                if stage > 1:
                    chosen[str(first)] = L2pooling(channels=self.chns[stage - 1])
                self.add_module(f"stage{stage}", nn.Sequential(OrderedDict(chosen)))
            self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, -1, 1, 1))
            self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, -1, 1, 1))
            self.alpha = nn.Parameter(torch.empty(1, sum(self.chns), 1, 1))
            self.beta = nn.Parameter(torch.empty(1, sum(self.chns), 1, 1))

    return UntrainedDists()


@contextmanager
def _exact_convolutions() -> Iterator[None]:
    """Compute in full float32 on a GPU too: with TensorFloat-32 a score would depend on the machine."""
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield
