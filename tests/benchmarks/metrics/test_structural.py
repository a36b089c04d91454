import numpy as np
import pytest
import torch
from skimage import data
from skimage.metrics import structural_similarity

from bokehbench.benchmarks.metrics import structural
from bokehbench.benchmarks.metrics.similarity_kernel import mean_similarity
from bokehbench.benchmarks.metrics.structural import Ssim, ssim_map


def photograph():
    return torch.from_numpy(data.astronaut()[60:220, 100:340].copy()).permute(2, 0, 1).float() / 255


@pytest.mark.parametrize("sigma_px", [0.7, 2.0, 5.0])
def test_it_agrees_with_scikit_image(make_scene, blur, sigma_px):
    target = photograph()
    prediction = (blur(target, sigma_px) * 255).round() / 255
    expected = structural_similarity(
        prediction.double().numpy(),
        target.double().numpy(),
        channel_axis=0,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert Ssim().score(prediction, make_scene(target)) == pytest.approx(expected, abs=1e-5)


def test_it_agrees_with_pyiqa_on_blurred_photographs(make_scene, blur):
    from bokehbench.core.torchvision_guard import ensure_torchvision

    ensure_torchvision()
    from pyiqa.archs.ssim_arch import SSIM

    target = photograph()
    prediction = (blur(target, 2.0) * 255).round() / 255
    expected = float(SSIM(test_y_channel=False)(prediction[None], target[None]))
    assert Ssim().score(prediction, make_scene(target)) == pytest.approx(expected, abs=1e-4)


def test_constant_images_reduce_to_the_luminance_term():
    low, high = torch.full((1, 12, 13), 0.2), torch.full((1, 12, 13), 0.6)
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    similarity = ssim_map(low, high)
    assert similarity.shape == (1, 2, 3)
    assert torch.allclose(similarity, torch.tensor(expected), atol=1e-4)


def test_a_negative_image_scores_below_zero(make_scene, make_image):
    target = make_image(48, 64)
    assert Ssim().score(1.0 - target, make_scene(target)) < 0.0


def as_numbers(image):
    return (image * 255).round().numpy() / np.float32(255)


def plain_mean(first, second):
    return float(ssim_map(torch.from_numpy(first).double(), torch.from_numpy(second).double()).mean())


def fast_mean(first, second):
    weights = structural._window_weights().numpy()
    return mean_similarity(first, second, weights, np.float32(structural.C1), np.float32(structural.C2))


@pytest.mark.parametrize(("height", "width"), [(11, 11), (11, 40), (40, 11), (23, 57), (160, 240)])
@pytest.mark.parametrize("seed", range(3))
def test_the_kernel_computes_the_mean_of_the_plain_map(height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    first, second = (as_numbers(torch.rand(3, height, width, generator=generator)) for _ in range(2))
    near = as_numbers(torch.from_numpy(0.9 * first + 0.1 * second))
    for other in (second, near, 1.0 - first, np.zeros_like(first), np.ones_like(first)):
        assert fast_mean(first, other) == pytest.approx(plain_mean(first, other), abs=1e-6)
    assert fast_mean(first, first) == pytest.approx(1.0, abs=1e-7)


def test_the_kernel_agrees_on_photographs(blur):
    target = photograph()
    for sigma_px in (0.5, 2.0, 8.0):
        first, second = as_numbers(blur(target, sigma_px)), as_numbers(target)
        assert fast_mean(first, second) == pytest.approx(plain_mean(first, second), abs=3e-6)


def test_the_plain_map_in_float32_gives_what_other_devices_report(blur):
    target = photograph()
    first, second = as_numbers(blur(target, 2.0)), as_numbers(target)
    plain = float(ssim_map(torch.from_numpy(first), torch.from_numpy(second)).mean())
    assert plain == pytest.approx(fast_mean(first, second), abs=1e-5)


def test_pictures_laid_out_by_pixel_score_alike(make_scene, make_image, blur):
    """Files are read with their colours interleaved."""
    target = make_image(48, 64)
    prediction = blur(target, 1.0)
    interleaved = prediction.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    assert Ssim().score(interleaved, make_scene(target)) == Ssim().score(prediction, make_scene(target))
