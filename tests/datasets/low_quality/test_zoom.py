import numpy as np
import pytest
from scipy import ndimage

from bokehbench.datasets.low_quality import steps, zoom
from bokehbench.datasets.low_quality.steps import compress_jpeg, random_stream


def make_picture(height=48, width=64):
    rng = np.random.default_rng(0)
    return ndimage.gaussian_filter(rng.random((height, width, 3), np.float32), (2.0, 2.0, 0.0))


def test_factor_one_is_the_picture_itself_and_every_strength_vanishes_there():
    picture = make_picture()
    assert zoom.zoom(picture, 1.0, random_stream("s", 1.0)) is picture
    assert (zoom.noise_levels(1.0), zoom.jpeg_quality(1.0)) == (0.0, 95)
    assert (zoom.noise_levels(8.0), zoom.jpeg_quality(8.0), zoom.jpeg_quality(16.0)) == (10.0, 60, 60)


def test_without_noise_and_jpeg_a_zoom_is_blur_area_and_cubic(monkeypatch):
    monkeypatch.setattr(zoom, "compress_jpeg", lambda picture, quality: picture)
    monkeypatch.setattr(zoom, "noise_levels", lambda factor: 0.0)
    picture = make_picture()
    found = zoom.zoom(picture, 2.0, random_stream("s", 2.0))
    sigma = 0.5 * 3.0**0.5
    blurred = ndimage.gaussian_filter(picture, (sigma, sigma, 0.0), mode="mirror")
    small = blurred.reshape(24, 2, 32, 2, 3).mean(axis=(1, 3))
    weights = np.zeros(4)  # Keys' kernel with a = -0.75, a quarter of a pixel off
    for place, distance in enumerate((1.25, 0.25, 0.75, 1.75)):
        a, d = -0.75, distance
        near = (a + 2) * d**3 - (a + 3) * d**2 + 1
        weights[place] = near if d < 1 else a * (d**3 - 5 * d**2 + 8 * d - 4)
    rows = np.tensordot(weights, np.stack([small[10 + step] for step in range(4)]), 1)  # row 23 of the enlarged one
    column = np.tensordot(weights, np.stack([rows[10 + step] for step in range(4)]), 1)
    assert np.abs(found[23, 23] - column).max() < 1.0 / 255.0


def test_seeds_decide_the_noise_and_nothing_else_is_random():
    picture = make_picture()
    first, second, other = (zoom.zoom(picture, 4.0, random_stream(name, 4.0)) for name in ("a", "a", "b"))
    assert np.array_equal(first, second)
    assert 0.0 < np.abs(first - other).mean() < 0.03
    assert np.array_equal(np.round(first * 255.0), first * np.float32(255.0))


@pytest.mark.parametrize("factor", [1.5, 3.0, 7.0, 16.0])
def test_any_factor_keeps_size_range_and_a_constant(factor):
    grey = np.full((21, 33, 3), 0.5, np.float32)
    found = zoom.zoom(grey, factor, random_stream("s", factor))
    assert found.shape == grey.shape
    assert 0.0 <= found.min() <= found.max() <= 1.0
    assert abs(float(found.mean()) - 0.5) < 0.05
    assert np.abs(zoom.drop_resolution(grey[..., 0], factor) - 0.5).max() < 1e-6


def test_jpeg_halves_the_chroma_and_keeps_grey():
    stripes = np.zeros((16, 16, 3), np.float32)
    stripes[:, ::2] = (1.0, 0.0, 0.0)
    stripes[:, 1::2] = (0.0, 0.51, 0.0)  # of the same luma: only chroma tells the stripes apart
    assert np.ptp(compress_jpeg(stripes, 95)[..., 0], axis=1).max() < 0.1
    grey = np.repeat(make_picture(16, 16)[..., :1], 3, axis=2)
    assert np.abs(compress_jpeg(grey, 95) - grey).max() < 0.03


def test_streams_tell_scenes_severities_and_seeds_apart():
    draws = [random_stream(*key).random() for key in (("a", 2.0), ("b", 2.0), ("a", 2.5), ("a", 2.0, 1))]
    assert len(set(draws)) == 4
    assert steps.random_stream("a", 2).random() == draws[0]
