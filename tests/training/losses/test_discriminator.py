"""The discriminator on a tiny random ConvNeXt: its losses, where gradients go, that it learns, its weights."""

import math

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from torch import nn

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.core.fetch import NETWORK
from bokehbench.core.torchvision_guard import ensure_torchvision
from bokehbench.training.losses.discriminator import Discriminator, load_alexnet, load_features


def create_model(*arguments, **options):
    """timm's, imported when it is needed and behind the guard."""
    ensure_torchvision()
    import timm

    return timm.create_model(*arguments, **options)


PROFILES = ("paper", "code")


@pytest.fixture(scope="module")
def timm():
    """The package, imported when a test needs it."""
    ensure_torchvision()
    import timm as package

    return package


@pytest.fixture
def discriminator(timm):
    """A factory of discriminators on a random ConvNeXt of 4000 parameters."""

    def make(profile="paper"):
        torch.manual_seed(0)
        features = create_model(
            "convnext_atto", features_only=True, pretrained=False, dims=(4, 8, 8, 8), depths=(1, 1, 1, 1)
        )
        return Discriminator(features, profile)

    return make


def noise(seed, amplitude=0.5, batch=2, side=64):
    generator = torch.Generator().manual_seed(seed)
    return 0.5 + amplitude * (torch.rand(batch, 3, side, side, generator=generator) - 0.5)


def judge_with(model, logit):
    """Make every head answer ``logit`` everywhere."""
    for head in model.heads:
        head[2] = nn.Conv2d(head[2].in_channels, 1, 1)
        nn.init.zeros_(head[2].weight)
        nn.init.constant_(head[2].bias, logit)
    return model


@torch.no_grad()
@pytest.mark.parametrize("logit", [-2.0, 0.0, 1.5])
def test_losses_of_known_judgements(discriminator, logit):
    """-log D of Eq. 11 in the mean over levels; cross-entropy with targets 0.8 and 0 in the sum over four levels."""
    p = 1 / (1 + math.exp(-logit))
    paper, code = judge_with(discriminator("paper"), logit), judge_with(discriminator("code"), logit)
    seems_real = -0.8 * math.log(p) - 0.2 * math.log(1 - p)
    assert float(paper.generator_loss(noise(0))) == pytest.approx(-math.log(p), rel=1e-5)
    assert float(paper.discriminator_loss(noise(0), noise(1))) == pytest.approx(
        -math.log(p) - math.log(1 - p), rel=1e-5
    )
    assert float(code.generator_loss(noise(0))) == pytest.approx(4 * seems_real, rel=1e-5)
    assert float(code.discriminator_loss(noise(0), noise(1))) == pytest.approx(
        4 * (seems_real - math.log(1 - p)), rel=1e-5
    )


@pytest.mark.parametrize("profile", PROFILES)
def test_the_generators_gradient_reaches_its_pictures_only(discriminator, profile):
    model, pictures = discriminator(profile), noise(0).requires_grad_(True)
    model.generator_loss(pictures).backward()
    assert float(pictures.grad.abs().max()) > 0.0
    assert all(p.grad is None for p in model.parameters())
    assert all(p.requires_grad for p in model.heads.parameters())


@pytest.mark.parametrize("profile", PROFILES)
def test_the_discriminators_gradient_reaches_its_heads_only(discriminator, profile):
    model, fake = discriminator(profile), noise(0).requires_grad_(True)
    model.discriminator_loss(noise(1), fake).backward()
    assert fake.grad is None
    assert all(p.grad is not None for p in model.heads.parameters())
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained == {f"heads.{name}" for name, _ in model.heads.named_parameters()}


@pytest.mark.parametrize("profile", PROFILES)
def test_it_learns_to_tell_smooth_pictures_from_noise(discriminator, profile):
    model = discriminator(profile).train()
    optimiser = torch.optim.Adam(model.heads.parameters(), lr=1e-2)
    first = float(model.discriminator_loss(noise(0), noise(1, 0.05)).detach())
    for step in range(30):
        optimiser.zero_grad()
        model.discriminator_loss(noise(2 * step), noise(2 * step + 1, 0.05)).backward()
        optimiser.step()
    model.eval().requires_grad_(False)
    unseen_real, unseen_fake = noise(1000), noise(1001, 0.05)
    assert float(model.discriminator_loss(unseen_real, unseen_fake)) < 0.9 * first
    assert float(model.generator_loss(unseen_real)) < float(model.generator_loss(unseen_fake))


def test_autocast_coarsens_nothing(discriminator):
    model = discriminator().eval()
    expected = model.generator_loss(noise(0))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(model.generator_loss(noise(0)), expected)


def test_unknown_profile(discriminator):
    with pytest.raises(InvalidOptionError, match="profile: expected paper or code, got 'hinge'"):
        discriminator("hinge")


def test_weights_come_from_the_file_that_is_named(timm, tmp_path):
    torch.manual_seed(1)
    whole = create_model("convnext_atto", pretrained=False)
    save_file(whole.state_dict(), tmp_path / "model.safetensors")
    loaded = load_features(tmp_path / "model.safetensors", "convnext_atto")
    pictures = noise(0)
    assert torch.allclose(loaded.eval()(pictures)[-1], whole.eval().forward_features(pictures), atol=1e-5)


def test_a_file_of_another_network_is_named(timm, tmp_path):
    save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    (tmp_path / "torn.safetensors").write_bytes(b"torn")
    whole = create_model("convnext_atto", pretrained=False).state_dict()
    save_file({k: v for k, v in whole.items() if k != "stages.3.blocks.1.gamma"}, tmp_path / "partial.safetensors")
    for name in ("other", "torn", "partial"):
        with pytest.raises(
            MissingWeightsError, match=rf"{name}\.safetensors: not the weights of convnext_atto"
        ) as error:
            load_features(tmp_path / f"{name}.safetensors", "convnext_atto")
        assert "\n" not in str(error.value)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"losses\.discriminator_weights.*'losses\.adversarial: 0'"):
        load_features(tmp_path / "absent.safetensors")


def test_without_file_and_network_one_line_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(NETWORK, "hub_dead_because", "no network: this is a test")
    with pytest.raises(MissingWeightsError, match=r"no network.*model\.safetensors.*'losses\.adversarial: 0'") as error:
        load_features()
    assert "\n" not in str(error.value)


@pytest.fixture
def alexnet(monkeypatch):
    """AlexNet's features with random weights in place of the published ones."""
    ensure_torchvision()
    import lpips

    monkeypatch.setattr(
        "bokehbench.training.losses.discriminator.build_lpips",
        lambda *_: lpips.LPIPS(pretrained=False, pnet_rand=True, verbose=False),
    )
    return load_alexnet()


@pytest.mark.filterwarnings("ignore::UserWarning")  # lpips calls torchvision by a name of the past
def test_alexnet_is_judged_at_five_levels_and_stays_frozen(alexnet):
    model = Discriminator(alexnet)
    pictures = noise(0, batch=1, side=32).requires_grad_()
    loss = model.generator_loss(pictures)
    loss.backward()
    assert len(model.heads) == 5
    assert torch.isfinite(loss)
    assert pictures.grad is not None
    assert pictures.grad.abs().sum() > 0.0
    assert {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad} == {"heads"}


def test_an_absent_alexnet_is_one_line(monkeypatch):
    def fail(*_):
        raise MissingWeightsError("the discriminator (alex): no alexnet_features.safetensors")

    monkeypatch.setattr("bokehbench.training.losses.discriminator.build_lpips", fail)
    with pytest.raises(MissingWeightsError, match=r"losses\.perceptual_weights.*'losses\.adversarial: 0'"):
        load_alexnet()
