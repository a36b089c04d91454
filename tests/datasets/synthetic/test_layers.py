import numpy as np
import pytest

from bokehbench.core.errors import InvalidSceneError
from bokehbench.datasets.synthetic.layers import Layer, LayeredScene, Plane, crop, pinhole, place_texture
from bokehbench.datasets.synthetic.ray_tracer import trace

OPAQUE = np.ones((20, 20, 4), np.float32)


def test_plane_goes_through_its_point() -> None:
    plane = Plane.through(3.0, 4.0, 0.5, 0.01, -0.02)
    assert plane.disparity(np.array([3.0]), np.array([4.0]))[0] == pytest.approx(0.5)
    assert plane.disparity(np.array([13.0]), np.array([4.0]))[0] == pytest.approx(0.6)


def test_pinhole_picture_of_a_layer_is_its_texture() -> None:
    texture = np.random.default_rng(0).random((20, 20, 4)).astype(np.float32)
    texture[..., 3] = 1.0
    picture, disparity, shares = pinhole([Layer(texture, -4, -6, Plane(0.0, 0.001, 0.2))], 10, 12)
    np.testing.assert_array_equal(picture, texture[4:14, 6:18, :3])
    np.testing.assert_allclose(disparity[:, 0], 0.2 + 0.001 * np.arange(10), rtol=1e-6)
    assert shares.min() == 1.0


def test_mixed_pixels_are_alpha_composites() -> None:
    half = np.tile(np.float32([0.4, 0.0, 0.0, 0.5]), (4, 4, 1))
    layers = [Layer(half, 0, 0, Plane(0, 0, 0.8)), Layer(OPAQUE, 0, 0, Plane(0, 0, 0.2))]
    picture, disparity, shares = pinhole(layers, 8, 8)
    np.testing.assert_allclose(picture[2, 2], [0.9, 0.5, 0.5], rtol=1e-6)
    assert disparity[2, 2] == pytest.approx(0.5)
    assert disparity[6, 6] == pytest.approx(0.2)
    np.testing.assert_allclose(shares.sum(axis=0), 1.0)


@pytest.mark.parametrize(("top", "left"), [(-30, 0), (0, 40), (7, -25)])
def test_a_texture_outside_the_canvas_leaves_it_empty(top: int, left: int) -> None:
    assert place_texture(Layer(OPAQUE, top, left, Plane(0, 0, 0)), 12, 16, margin=3).max() == 0.0


def test_layers_that_cross_are_refused() -> None:
    layers = [Layer(OPAQUE, 0, 0, Plane(0.1, 0, 0.5)), Layer(OPAQUE, 0, 0, Plane(0, 0, 0.8))]
    with pytest.raises(InvalidSceneError, match="layers 0 and 1 cross"):
        LayeredScene(layers, 16, 16, 0.5, 1.0)


def test_a_plane_too_steep_for_the_lens_is_refused() -> None:
    with pytest.raises(InvalidSceneError, match="tilt it less"):
        LayeredScene([Layer(OPAQUE, 0, 0, Plane(0.1, 0, 0.5))], 16, 16, 0.5, 10.0)


def test_a_translucent_background_is_refused() -> None:
    with pytest.raises(InvalidSceneError, match="opaque"):
        LayeredScene([Layer(0.5 * OPAQUE, 0, 0, Plane(0, 0, 0.5))], 16, 16, 0.5, 1.0)


def test_a_part_of_the_frame_is_seen_alike() -> None:
    rng = np.random.default_rng(3)
    rgba = rng.random((30, 40, 4)).astype(np.float32)
    rgba[..., :3] *= rgba[..., 3:]
    behind = np.concatenate([rng.random((80, 90, 3)), np.ones((80, 90, 1))], axis=2).astype(np.float32)
    layers = [Layer(rgba, 3, 5, Plane(0.002, -0.001, 0.8)), Layer(behind, -20, -20, Plane(-0.001, 0.001, 0.2))]
    scene = LayeredScene(layers, 40, 50, 0.5, 8.0)
    part = crop(scene, 7, 11, 20, 24)
    for whole, piece in zip(pinhole(layers, 40, 50)[:2], pinhole(part.layers, 20, 24)[:2], strict=True):
        np.testing.assert_allclose(piece, whole[7:27, 11:35], atol=1e-6)
    expected = trace(scene, samples=32, prefilter=0.0)[7:27, 11:35]
    np.testing.assert_allclose(trace(part, samples=32, prefilter=0.0), expected, atol=1e-5)
