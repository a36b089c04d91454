import pytest
import torch
from skimage import data
from skimage.metrics import structural_similarity

from bokehbench.benchmarks.metrics.structural import STRIP_PX, Ssim, mean_ssim, ssim_map, window_average


def photograph():
    return torch.from_numpy(data.astronaut()[60:220, 100:340].copy()).permute(2, 0, 1).float() / 255


@pytest.mark.parametrize("sigma_px", [0.5, 0.7, 2.0, 5.0, 8.0])
def test_it_agrees_with_scikit_image(make_scene, blur, sigma_px):
    target = photograph()
    prediction = as_8_bit(blur(target, sigma_px))
    assert Ssim().score(prediction, make_scene(target)) == pytest.approx(scikit_image(prediction, target), abs=1e-7)


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


def scikit_image(first, second):
    return structural_similarity(
        first.double().numpy(),
        second.double().numpy(),
        channel_axis=0,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )


def as_8_bit(image):
    return (image * 255).round() / 255


@pytest.mark.parametrize(("height", "width"), [(11, 11), (11, 40), (40, 11), (23, 57), (160, 240)])
@pytest.mark.parametrize("seed", range(3))
def test_any_size_and_picture_is_as_scikit_image_says(make_scene, height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    first, second = (as_8_bit(torch.rand(3, height, width, generator=generator)) for _ in range(2))
    near = as_8_bit(0.9 * first + 0.1 * second)
    for other in (second, near, 1.0 - first, torch.zeros_like(first), torch.ones_like(first)):
        assert Ssim().score(first, make_scene(other)) == pytest.approx(scikit_image(first, other), abs=1e-7)
    assert Ssim().score(first, make_scene(first)) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("height", [STRIP_PX + 9, STRIP_PX + 10, STRIP_PX + 11, 2 * STRIP_PX + 30])
def test_strips_join_and_threads_change_no_bit(blur, height):
    first = torch.rand(3, height, 41, generator=torch.Generator().manual_seed(0))
    second = blur(first, 1.0)
    expected = float(ssim_map(first.double(), second.double()).mean())
    before, values = torch.get_num_threads(), []
    for count in (1, 2, 5):
        torch.set_num_threads(count)
        values.append(mean_ssim(first.numpy(), second.numpy()))
    torch.set_num_threads(before)
    assert values[0] == pytest.approx(expected, abs=1e-13)
    assert len(set(values)) == 1


def test_the_window_is_a_gaussian_of_eleven_pixels():
    point = torch.zeros(21, 21, dtype=torch.float64)
    point[10, 10] = 1.0
    offsets_px = torch.arange(-5, 6, dtype=torch.float64)
    expected = torch.exp(-(offsets_px[:, None] ** 2 + offsets_px**2) / (2 * 1.5**2))
    torch.testing.assert_close(window_average(point), expected / expected.sum(), rtol=0, atol=1e-15)


def test_the_map_in_float32_gives_nearly_the_same(make_scene, blur):
    target = photograph()
    prediction = as_8_bit(blur(target, 2.0))
    assert float(ssim_map(prediction, target).mean()) == pytest.approx(
        Ssim().score(prediction, make_scene(target)), abs=1e-5
    )


def test_pictures_laid_out_by_pixel_score_alike(make_scene, make_image, blur):
    """Files are read with their colours interleaved."""
    target = make_image(48, 64)
    prediction = blur(target, 1.0)
    interleaved = prediction.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    assert Ssim().score(interleaved, make_scene(target)) == Ssim().score(prediction, make_scene(target))
