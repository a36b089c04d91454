import math

import numpy as np
import pytest

from bokehbench.datasets.low_quality import real_esrgan
from bokehbench.datasets.low_quality.kernels import draw_blur_kernel, draw_sinc_kernel, shaped_kernel, sinc_kernel
from bokehbench.datasets.low_quality.steps import random_stream


def test_a_gaussian_has_its_standard_deviations_along_its_axes():
    kernel = shaped_kernel(21, "gaussian", (2.5, 1.0), math.pi / 2, 1.0)
    rows, columns = np.mgrid[-10:11, -10:11]
    assert (kernel * rows**2).sum() == pytest.approx(2.5**2, rel=1e-3)
    assert (kernel * columns**2).sum() == pytest.approx(1.0, rel=1e-3)


def test_shapes_are_those_of_their_formulas():
    q = (3 / 2.0) ** 2
    for shape, value in (("generalised", math.exp(-0.5 * q**3)), ("plateau", 1 / (1 + q**3))):
        kernel = shaped_kernel(13, shape, (2.0, 2.0), 0.3, 3.0)
        assert kernel[6, 9] / kernel[6, 6] == pytest.approx(value)


def test_a_sinc_passes_what_is_below_its_cutoff_and_little_above():
    kernel = sinc_kernel(21, math.pi / 2)
    columns = np.arange(-10, 11)
    response = [abs((kernel * np.cos(w * columns)).sum()) for w in (0.0, math.pi / 4, 0.8 * math.pi)]
    assert response[0] == pytest.approx(1.0)
    assert response[1] > 0.85
    assert response[2] < 0.15


def test_kernels_sum_to_one_and_are_point_symmetric():
    rng = np.random.default_rng(0)
    kernels = [draw_blur_kernel(rng, 3.0) for _ in range(60)] + [draw_sinc_kernel(rng) for _ in range(10)]
    assert {len(kernel) for kernel in kernels} == {7, 9, 11, 13, 15, 17, 19, 21}
    for kernel in kernels:
        assert kernel.sum() == pytest.approx(1.0)
        assert np.allclose(kernel, kernel[::-1, ::-1])


def test_degraded_pictures_are_8_bit_of_the_same_size_and_repeatable():
    picture = np.random.default_rng(0).random((45, 62, 3), np.float32)
    made = [real_esrgan.degrade(picture, 4.0, random_stream(f"s{n // 2}", 4.0)) for n in range(16)]
    assert all(np.array_equal(*made[n : n + 2]) for n in range(0, 16, 2))
    assert len({one.tobytes() for one in made}) == 8
    for one in made:
        assert one.shape == picture.shape
        assert np.array_equal(np.round(one * 255.0), one * np.float32(255.0))


@pytest.mark.parametrize("shape", [(1, 1), (3, 70)])
def test_the_smallest_pictures_stay_pictures(shape):
    picture = np.full((*shape, 3), 0.5, np.float32)
    for name in "abcdef":
        assert real_esrgan.degrade(picture, 16.0, random_stream(name, 16.0)).shape == picture.shape


def test_photon_noise_grows_with_brightness_as_counts_do():
    ramp = np.repeat(np.linspace(0, 1, 256, dtype=np.float32)[:, None, None], 400, axis=1)
    noise = real_esrgan._photon_noise(ramp, np.random.default_rng(0))
    assert np.abs(noise[0]).max() == 0.0
    assert noise[64].std() == pytest.approx(math.sqrt(64 / 255 / 256), rel=0.15)
    assert noise[255].std() == pytest.approx(math.sqrt(1 / 256), rel=0.15)
