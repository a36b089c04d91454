"""Edge loss against naive loops; LPIPS as a loss against LPIPS as a metric, and its gradients."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bokehbench.benchmarks.metrics import weights as weights_module
from bokehbench.benchmarks.metrics.perceptual import build_lpips
from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.core.fetch import DownloadError
from bokehbench.training.losses.pictures import EdgeLoss, PerceptualLoss, resized_differences

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
        spread = (2.0 / (inputs * size * size)) ** 0.5
        trunk[f"features.{layer}.weight"] = torch.randn(out, inputs, size, size, generator=generator) * spread
        trunk[f"features.{layer}.bias"] = torch.randn(out, generator=generator) * 0.01
    folder = tmp_path_factory.mktemp("weights")
    save_file(trunk, folder / "alexnet_features.safetensors")
    return folder


def pictures(count, height=9, width=11, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 1, 3, height, width, generator=generator, dtype=torch.float64).to(dtype)


def naive_paper(predicted, target, image):
    """Eq. 10 pixel by pixel, in plain Python."""
    _, _, height, width = predicted.shape
    taps = [(-1, 1), (0, 2), (1, 1)]

    def sobel(x, c, row, column, scale, along_x):
        total = 0.0
        for across, weight in taps:
            for side in (-1, 1):
                y, z = (across * scale, side * scale) if along_x else (side * scale, across * scale)
                total += side * weight * float(x[0, c, row + y, column + z])
        return total

    loss = 0.0
    for scale in (1, 2, 3):
        values = [
            abs(p - t) * max(abs(t), abs(f))
            for c in range(3)
            for row in range(scale, height - scale)
            for column in range(scale, width - scale)
            for along_x in (True, False)
            for p, t, f in [tuple(sobel(x, c, row, column, scale, along_x) for x in (predicted, target, image))]
        ]
        loss += sum(values) / (len(values) / 2) / scale**2  # summed over the two directions, averaged over the rest
    return loss


def naive_code(predicted, target, image):
    """The released code's variant, with the shrinking done block by block."""

    def shrink(x, scale):
        rows, columns = x.shape[2] // scale, x.shape[3] // scale
        return torch.stack(
            [
                torch.stack(
                    [
                        x[..., scale * i : scale * i + scale, scale * j : scale * j + scale].mean((-2, -1))
                        for j in range(columns)
                    ],
                    -1,
                )
                for i in range(rows)
            ],
            -2,
        )

    loss = 0.0
    for scale in (1, 2, 3):
        for axis in (-1, -2):
            p, t, f = (shrink(x, scale).diff(dim=axis) for x in (predicted, target, image))
            loss += float(((p - t).abs() * (1 + torch.maximum(t.abs(), f.abs()))).mean()) / scale
    return loss


@pytest.mark.parametrize(("profile", "naive"), [("paper", naive_paper), ("code", naive_code)])
def test_edge_loss_is_what_a_naive_loop_computes(profile, naive):
    side = (12, 18) if profile == "code" else (9, 11)  # multiples of 2 and 3: blocks of equal size
    predicted, target, image = pictures(3, *side)
    assert float(EdgeLoss(profile)(predicted, target, image)) == pytest.approx(naive(predicted, target, image))


def test_every_scale_of_a_ramp_counts_the_same():
    """(slope error * 8 l) * (slope * 8 l) / l^2 is 64 * slope error * slope at each of three scales."""
    ramp = torch.arange(16, dtype=torch.float64).expand(1, 3, 16, 16) / 16
    loss = EdgeLoss("paper")(1.5 * ramp, ramp, torch.zeros_like(ramp))
    assert float(loss) == pytest.approx(3 * 64 * (0.5 / 16) * (1 / 16))


def test_a_step_in_the_released_codes_variant():
    """One column of differences in 11: |1 - 0.5| * (1 + max(0.5, 1)), and so on at the smaller sizes."""
    step = (torch.arange(12) >= 6).double().expand(1, 3, 12, 12)
    loss = EdgeLoss("code")(step, 0.5 * step, step)
    assert float(loss) == pytest.approx(0.5 * 2 * (1 / 11 + 1 / 5 / 2 + 1 / 3 / 3))


@pytest.mark.parametrize("profile", ["paper", "code"])
def test_equal_pictures_cost_nothing(profile):
    predicted, image = pictures(2)
    assert float(EdgeLoss(profile)(predicted, predicted, image)) == 0.0


def test_flat_pictures_have_no_edges_in_the_paper_only():
    flat, other = torch.full((1, 3, 9, 9), 0.5), torch.rand(1, 3, 9, 9, generator=torch.Generator().manual_seed(1))
    assert float(EdgeLoss("paper")(other, flat, flat)) == 0.0
    assert float(EdgeLoss("code")(other, flat, flat)) > 0.1


@pytest.mark.parametrize("profile", ["paper", "code"])
def test_edge_loss_has_the_right_gradient(profile):
    predicted, target, image = pictures(3, 7, 7)
    predicted.requires_grad_(True)
    loss = EdgeLoss(profile)
    assert torch.autograd.gradcheck(lambda x: loss(x, target, image), (predicted,), eps=1e-7)


def test_edge_loss_computes_in_float32_under_autocast():
    predicted, target, image = pictures(3, dtype=torch.float32)
    expected = EdgeLoss()(predicted, target, image)
    with torch.autocast("cpu", torch.bfloat16):
        loss = EdgeLoss()(predicted, target, image)
        coarse = EdgeLoss()(predicted.bfloat16(), target, image)
    assert loss.dtype == coarse.dtype == torch.float32
    assert torch.equal(loss, expected)
    assert float(coarse) == pytest.approx(float(expected), rel=0.02)


def test_edge_loss_refuses_what_it_cannot_compare():
    with pytest.raises(InvalidOptionError, match="profile: expected paper or code, got 'sobel'"):
        EdgeLoss("sobel")
    with pytest.raises(ValueError, match="7 px or more"):
        EdgeLoss()(*pictures(3, 6, 9))
    with pytest.raises(ValueError, match="of one shape"):
        EdgeLoss()(*pictures(2), pictures(1, 9, 9)[0])


def test_shrinking_keeps_the_mean_slope():
    ramp = torch.arange(12, dtype=torch.float64).expand(1, 1, 12, 12)
    along_x, along_y = resized_differences(ramp, 3)
    assert torch.allclose(along_x, torch.full((1, 1, 4, 3), 3.0, dtype=torch.float64))
    assert torch.equal(along_y, torch.zeros(1, 1, 3, 4, dtype=torch.float64))


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
