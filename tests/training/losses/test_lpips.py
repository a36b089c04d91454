"""LPIPS as a loss against LPIPS as a metric, and its gradients."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bokehbench.benchmarks.metrics import weights as weights_module
from bokehbench.benchmarks.metrics.perceptual import build_lpips
from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.core.fetch import DownloadError
from bokehbench.training.losses.lpips import PerceptualLoss

ALEXNET_SHAPES = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3), 10: (256, 256, 3)}


@pytest.fixture
def _no_network(monkeypatch, tmp_path):
    """Nothing is found in caches, and nothing can be fetched."""

    def fetch(url, destination, sha256_prefix):
        raise DownloadError("no network: this is a test")

    monkeypatch.setattr(weights_module.NETWORK, "fetch_file", fetch)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv(weights_module.FOLDER_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def alexnet_folder(tmp_path_factory) -> Path:
    """A folder with a random AlexNet trunk; LPIPS's heads come with its package."""
    generator = torch.Generator().manual_seed(1)
    trunk = {}
    for layer, (out, inputs, size) in ALEXNET_SHAPES.items():
        deviation = (2.0 / (inputs * size * size)) ** 0.5
        trunk[f"features.{layer}.weight"] = torch.randn(out, inputs, size, size, generator=generator) * deviation
        trunk[f"features.{layer}.bias"] = torch.randn(out, generator=generator) * 0.01
    folder = tmp_path_factory.mktemp("weights")
    save_file(trunk, folder / "alexnet_features.safetensors")
    return folder


def pictures(count, height=9, width=11, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 1, 3, height, width, generator=generator, dtype=torch.float64).to(dtype)


@pytest.fixture(scope="module")
def perceptual(alexnet_folder):
    return PerceptualLoss("alex", alexnet_folder)


@pytest.fixture
def pair():
    return pictures(2, 40, 48, dtype=torch.float32)


def test_perceptual_loss_is_lpips(perceptual, pair, alexnet_folder):
    metric = build_lpips("alex", "test", alexnet_folder).requires_grad_(False).eval()
    batch = (torch.cat([pair[0], pair[1]]), torch.cat([pair[1], pair[1]]))
    values = metric(*batch, normalize=True).flatten()
    assert float(values[0]) > 1e-3
    assert float(perceptual(*batch)) == pytest.approx(float(values.mean()), rel=1e-5)


def test_perceptual_gradients_reach_pictures_and_no_features(perceptual, pair):
    predicted = pair[0].requires_grad_(True)
    perceptual(predicted, pair[1]).backward()
    assert bool(torch.isfinite(predicted.grad).all())
    assert float(predicted.grad.abs().max()) > 0.0
    assert all(p.grad is None and not p.requires_grad for p in perceptual.parameters())


def test_perceptual_loss_has_no_dropout_in_training(perceptual, pair):
    once = perceptual(*pair)
    perceptual.train()
    assert torch.equal(perceptual(*pair), once)


def test_perceptual_gradient_is_finite_where_all_features_are_zero(alexnet_folder, pair):
    """The lpips package's own is NaN here."""
    dead = PerceptualLoss("alex", alexnet_folder)
    for name, parameter in dead.named_parameters():
        if ".net." in name:
            parameter.fill_(-1.0 if name.endswith("bias") else 0.0)
    predicted = pair[0].requires_grad_(True)
    dead(predicted, pair[1]).backward()
    assert float(predicted.grad.abs().max()) == 0.0


def test_perceptual_loss_is_not_coarsened_by_autocast(perceptual, pair):
    expected = perceptual(*pair)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(perceptual(*pair), expected)


@pytest.mark.usefixtures("_no_network")
def test_missing_perceptual_weights_name_the_entry_that_goes_without():
    with pytest.raises(MissingWeightsError, match=r"get https://.*losses\.perceptual_weights.*'losses\.lpips: 0'") as e:
        PerceptualLoss("vgg")
    assert "\n" not in str(e.value)
    with pytest.raises(InvalidOptionError, match=r"losses\.perceptual_weights: .*'nowhere'"):
        PerceptualLoss("vgg", "nowhere")


def test_perceptual_loss_says_how_large_crops_must_be(perceptual):
    with pytest.raises(InvalidOptionError, match=r"data\.crop_px: expected 31 or more"):
        perceptual(*pictures(2, 30, 40, dtype=torch.float32))
