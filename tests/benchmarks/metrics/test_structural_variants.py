"""SSIM as other papers compute it: against plain sums, and against the library that each variant is named after."""

import numpy as np
import pytest
import torch
from torch import Tensor

from bokehbench.benchmarks.metrics.structural import Ssim
from bokehbench.benchmarks.metrics.structural_variants import BorderSsim, BoxSsim


@pytest.fixture(params=[(40, 61), (61, 40)])
def pair(request, make_image, blur) -> tuple[Tensor, Tensor]:
    target = (make_image(*request.param) * 255).round() / 255
    return (blur(target, 1.5) * 255).round() / 255, target


def ssim_by_definition(first: np.ndarray, second: np.ndarray) -> float:
    """Every full 7x7 window of every channel by itself."""
    values = []
    for channel_1, channel_2 in zip(first, second, strict=True):
        for top in range(channel_1.shape[0] - 6):
            for left in range(channel_1.shape[1] - 6):
                a, b = (c[top : top + 7, left : left + 7].ravel() for c in (channel_1, channel_2))
                (variance_a, covariance), (_, variance_b) = np.cov(a, b)
                luminance = (2 * a.mean() * b.mean() + 1e-4) / (a.mean() ** 2 + b.mean() ** 2 + 1e-4)
                values.append(luminance * (2 * covariance + 9e-4) / (variance_a + variance_b + 9e-4))
    return float(np.mean(values))


def test_the_box_weighs_every_pixel_and_divides_by_one_less(make_image, make_scene, blur):
    target = (make_image(20, 23) * 255).round() / 255
    prediction = (blur(target, 1.5) * 255).round() / 255
    expected = ssim_by_definition(prediction.double().numpy(), target.double().numpy())
    assert BoxSsim().score(prediction, make_scene(target)) == pytest.approx(expected, abs=1e-9)


def test_the_border_counts_as_torchmetrics_counts_it(pair, make_scene):
    from torchmetrics.functional.image import structural_similarity_index_measure

    prediction, target = pair
    expected = float(structural_similarity_index_measure(prediction[None], target[None], data_range=1.0))
    assert BorderSsim().score(prediction, make_scene(target)) == pytest.approx(expected, abs=1e-5)
    assert abs(Ssim().score(prediction, make_scene(target)) - expected) > 1e-4  # what the border changes


@pytest.mark.parametrize(("metric", "least_px"), [(BoxSsim, 7), (BorderSsim, 6)])
def test_a_smaller_picture_has_no_value(metric, least_px, make_image, make_scene):
    for size, defined in (((least_px, 40), True), ((40, least_px - 1), False)):
        scene = make_scene(make_image(*size))
        assert (metric().score(torch.zeros_like(scene.target), scene) is not None) == defined
