"""The edge loss against naive loops."""

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.training.losses.edges import EdgeLoss, resized_differences


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
