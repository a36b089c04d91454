"""The discriminator: small trained heads on the frozen features of a pretrained ConvNeXt, or of AlexNet.

API: ``Discriminator(load_features(path), profile)`` with ``generator_loss(pictures)`` and
``discriminator_loss(real, fake)``; ``load_alexnet(folder)`` returns AlexNet's features. Only ``heads`` is trained, and
is all that a checkpoint needs.
"""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ...benchmarks.metrics.perceptual import build_lpips
from ...core import fetch
from ...core.errors import InvalidOptionError, MissingWeightsError
from ...core.torchvision_guard import ensure_torchvision

NETWORK = "convnext_base"
REPOSITORY = "timm/convnext_base.fb_in22k_ft_in1k"
FILE = "model.safetensors"
REMEDY = (
    f"get {FILE} of https://huggingface.co/{REPOSITORY} and name its path in 'losses.discriminator_weights', or set"
    " 'losses.adversarial: 0' to train without a discriminator"
)
HEAD_WIDTH = 64
REAL_TARGET = 0.8
DISCRIMINATOR_PROFILES = ("paper", "code")
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet, as these weights expect it."""

SEQUENCE = re.compile(r"^(stem|stages)\.(\d+)\.")
"""What timm calls ``stem.0.`` in a whole network it calls ``stem_0.`` in one that returns its features."""


class Discriminator(nn.Module):
    """Tells rendered pictures from true ones, at each level of the features and at each of their pixels.

    ``features`` returns a list of (B,C,h,w) and has timm's ``feature_info``; it is frozen and stays in eval mode.

    - ``paper``: the non-saturating loss of Eq. 11, the mean over levels.
    - ``code``: binary cross-entropy with the target 0.8 for what is or shall seem real and 0 for what is not, the sum
      over levels.

    Pictures are (B,3,H,W), display-encoded, [0,1] (rendered ones may leave the range), 32 px or more on a side. Losses
    are scalars, means over pixels and batch, computed in float32 whatever autocast says.
    Source: BokehDiff, Sec. 3.4, and its released code; heads on frozen features: Kumari, Zhang, Shechtman, Zhu,
    "Ensembling Off-the-shelf Models for GAN Training", 2022.
    """

    _mean: Tensor
    _deviation: Tensor

    def __init__(self, features: Any, profile: str = "paper"):
        super().__init__()
        if profile not in DISCRIMINATOR_PROFILES:
            raise InvalidOptionError(f"profile: expected {' or '.join(DISCRIMINATOR_PROFILES)}, got '{profile}'")
        self._profile = profile
        self._features = features.requires_grad_(False).eval()
        self.heads = nn.ModuleList(_make_head(channels) for channels in features.feature_info.channels())
        self.register_buffer("_mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("_deviation", torch.tensor(DEVIATION)[:, None, None], persistent=False)

    def train(self, mode: bool = True) -> Self:
        """Set the heads' mode; the features have none but eval."""
        super().train(mode)
        self._features.eval()
        return self

    def generator_loss(self, pictures: Tensor) -> Tensor:
        """Return how little rendered pictures seem real; its gradient reaches them, and not the heads."""
        self.heads.requires_grad_(False)
        try:
            logits = self._judge(pictures)
        finally:
            self.heads.requires_grad_(True)
        return self._reduce([self._seems_real(level) for level in logits])

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return how badly the heads tell ``real`` from ``fake``; its gradient reaches the heads only."""
        of_real, of_fake = self._judge(real.detach()), self._judge(fake.detach())
        return self._reduce([self._seems_real(r) + F.softplus(f).mean() for r, f in zip(of_real, of_fake, strict=True)])

    def _judge(self, pictures: Tensor) -> list[Tensor]:
        """Return each level's logits (B,1,h,w), high where a picture seems real."""
        with torch.autocast(pictures.device.type, enabled=False):
            levels = self._features((pictures.float() - self._mean) / self._deviation)
            return [head(level) for head, level in zip(self.heads, levels, strict=True)]

    def _seems_real(self, logits: Tensor) -> Tensor:
        if self._profile == "paper":
            return F.softplus(-logits).mean()  # -log D
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, REAL_TARGET))

    def _reduce(self, levels: list[Tensor]) -> Tensor:
        total = torch.stack(levels)
        return total.mean() if self._profile == "paper" else total.sum()


def load_features(path: str | Path | None = None, network: str = NETWORK) -> Any:
    """Return a pretrained ConvNeXt of timm's that returns its features, on the CPU.

    ``path``: the safetensors file of ``network`` as timm publishes it; without it, ConvNeXt-B's is taken from the hub's
    cache or fetched. Raises MissingWeightsError where it cannot be had or holds something else.
    """
    if path is None:
        path = fetch.NETWORK.fetch_repository(REPOSITORY, [FILE], REMEDY, needed=[FILE]) / FILE
    elif not Path(path).is_file() or Path(path).suffix != ".safetensors":
        raise MissingWeightsError(
            f"losses.discriminator_weights: expected a .safetensors file, '{path}' is none: {REMEDY}"
        )
    ensure_torchvision()
    import timm

    features = timm.create_model(network, features_only=True, pretrained=False)
    try:
        weights = {
            SEQUENCE.sub(r"\1_\2.", name): tensor
            for name, tensor in load_file(path).items()
            if not name.startswith("head.")  # of the classifier
        }
        features.load_state_dict(weights)  # here: timm's own loading leaves what is absent at its random start
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise MissingWeightsError(f"{path}: not the weights of {network} ({reason} ...): {REMEDY}") from error
    return features


class _AlexNet(nn.Module):
    """LPIPS's AlexNet without the distance: five levels of features, and timm's ``feature_info`` of them."""

    def __init__(self, lpips: Any):
        super().__init__()
        self._net = lpips.net
        self.feature_info = SimpleNamespace(channels=lambda: list(lpips.chns))

    def forward(self, pictures: Tensor) -> list[Tensor]:
        return list(self._net(pictures))


def load_alexnet(folder: str | Path | None = None) -> Any:
    """Return the features of torchvision's AlexNet at LPIPS's five levels, for small trainings.

    ``folder``: where ``alexnet_features.safetensors`` is looked for first, see
    ``benchmarks.metrics.weights.read_weights``. Raises MissingWeightsError where it cannot be had.
    """
    try:
        return _AlexNet(build_lpips("alex", "the discriminator (alex)", None if folder is None else Path(folder)))
    except MissingWeightsError as error:
        raise MissingWeightsError(
            f"{error}; 'losses.perceptual_weights' in the configuration names such a folder too, and"
            " 'losses.adversarial: 0' trains without a discriminator"
        ) from error


def _make_head(channels: int) -> nn.Sequential:
    """Two convolutions whose spectral norm is 1, so that the judgement cannot change arbitrarily fast."""
    return nn.Sequential(
        spectral_norm(nn.Conv2d(channels, HEAD_WIDTH, 3, padding=1)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Conv2d(HEAD_WIDTH, 1, 1)),
    )
