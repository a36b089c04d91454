"""What every registered renderer promises. One whose weights are not at hand is skipped with its own words."""

import pytest
import torch

from bokehbench.core.errors import MissingWeightsError
from bokehbench.renderers.registry import RENDERERS, load_renderer

TOLERANCE = 5e-3
"""For 'unchanged' and 'constant', in linear light: at radius 0 the scatter definition gives each of a pixel's four
neighbours 6.7e-4 of its weight, so that up to 2.7e-3 of the light moves."""


@pytest.fixture(scope="module", params=list(RENDERERS.entries))
def renderer(request):
    renderer = load_renderer(request.param)
    try:
        renderer.prepare("cpu", torch.float32)
    except MissingWeightsError as reason:
        pytest.skip(str(reason))
    return renderer


def test_has_a_name_and_capabilities(renderer):
    assert renderer.name in RENDERERS.entries
    assert "cpu" in renderer.capabilities.devices


@pytest.mark.parametrize("size", [(24, 32), (33, 17)])
def test_output_is_an_image_of_the_input_size(renderer, make_scene, size):
    output = renderer.render(make_scene(*size), seed=0)
    assert output.shape == (3, *size)
    assert output.dtype == torch.float32
    assert bool(torch.isfinite(output).all())
    assert float(output.min()) >= 0.0
    assert float(output.max()) <= 1.0


def test_same_seed_same_bits(renderer, make_scene):
    if not renderer.capabilities.deterministic:
        pytest.skip("declared as not deterministic")
    scene = make_scene()
    assert torch.equal(renderer.render(scene, seed=3), renderer.render(scene, seed=3))


def test_target_makes_no_difference(renderer, make_scene):
    scene = make_scene()
    assert torch.equal(renderer.render(scene, seed=0), renderer.render(scene.without_target(), seed=0))


def test_scene_is_left_alone(renderer, make_scene):
    scene = make_scene()
    image, disparity = scene.image.clone(), scene.disparity.clone()
    renderer.render(scene)
    assert torch.equal(scene.image, image)
    assert torch.equal(scene.disparity, disparity)


def test_constant_image_stays_constant(renderer, make_scene):
    if renderer.weights is not None:
        pytest.skip(f"{renderer.weights} is learned: its autoencoder reconstructs only nearly")
    output = renderer.render(make_scene(image=torch.full((3, 24, 32), 0.4)))
    assert torch.allclose(output**2.2, torch.full((3, 24, 32), 0.4**2.2), atol=TOLERANCE)


def test_zero_blur_strength_is_the_input(renderer, make_scene):
    if renderer.weights is not None:
        pytest.skip(f"{renderer.weights} is learned: zero blur gives its reconstruction of the input")
    scene = make_scene(blur_strength=0.0)
    assert torch.allclose(renderer.render(scene) ** scene.gamma, scene.image**scene.gamma, atol=TOLERANCE)
