import pytest
import torch
from skimage import data
from skimage.metrics import structural_similarity

from bokehbench.benchmarks.metrics import structural
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
    from bokehbench.renderers.torchvision_guard import ensure_torchvision

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


@pytest.mark.parametrize(("height", "width"), [(11, 11), (40, 57)])
def test_cpu_and_device_average_alike(height, width):
    images = torch.rand(4, 3, height, width, generator=torch.Generator().manual_seed(0))
    on_cpu, on_device = structural._average_on_cpu(images), structural._average_on_device(images)
    assert on_cpu.shape == (4, 3, height - 10, width - 10)
    torch.testing.assert_close(on_cpu, on_device, rtol=0, atol=1e-6)
