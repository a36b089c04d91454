"""What every registered renderer promises, those with shipped weights included.

Outside programs promise less, and are tested in ``programs/``.
"""

import dataclasses

import pytest
import torch

from bokehbench.core.scene import INPUT_FIELDS
from bokehbench.renderers.learned import LearnedRenderer
from bokehbench.renderers.programs.catalogue import PROGRAMS
from bokehbench.renderers.registry import RENDERERS, load_renderer

TOLERANCE = 5e-3
"""For 'unchanged' and 'constant', in linear light: at radius 0 the scatter definition gives each of a pixel's four
neighbours 6.7e-4 of its weight, so that up to 2.7e-3 of the light moves."""

SOFTER = {"dr-bokeh": 0.085}
"""The same on noise at blur strength 0, of renderers whose definition softens what is in focus: Dr.Bokeh's discs are a
pixel larger than the defocus, which gives a pixel's neighbours 8.49 % of the weight."""

LEARNED_CONSTANT_DB = 35.0
"""PSNR that learned renderers keep on a constant image: the shipped weights reach 35.6 to 58 dB on these."""

LEARNED_SHARP_DB = 39.0
"""PSNR that they keep on a smooth image at blur strength 0: the shipped weights reach 39.6 dB and more."""

RESTORED_SHARP_DB = {"magicbokeh": 34.5}
"""The same of renderers that clean what they are given, clean or not: the shipped weights reach 35.0 dB."""

THREADS_TOLERANCE = 1e-4
"""How far the pictures of learned renderers under one and two threads may lie apart: 2e-6 was measured."""

NOISE_KEPT = 0.2
"""Part of the standard deviation of noise that may be left where it is out of focus by 6 px: of a disc of 113 px it is
0.09, of the shipped weights 0.07 to 0.18."""


@pytest.fixture(scope="module", params=[name for name in RENDERERS.entries if name not in PROGRAMS])
def renderer(request):
    renderer = load_renderer(request.param)
    renderer.prepare("cpu", torch.float32)
    return renderer


def psnr(image, reference):
    return float(-10.0 * torch.log10((image - reference).square().mean()))


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


def test_the_number_of_threads_makes_no_difference_that_is_seen(renderer, make_scene):
    """Without networks none at all; a network's convolutions and products are summed up by as many parts as threads."""
    scene, pictures, before = make_scene(40, 72), [], torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        pictures.append(renderer.render(scene))
        torch.set_num_threads(before)
    if isinstance(renderer, LearnedRenderer):
        assert float((pictures[0] - pictures[1]).abs().max()) <= THREADS_TOLERANCE
    else:
        assert torch.equal(*pictures)


def test_target_makes_no_difference(renderer, make_scene):
    scene = make_scene()
    assert torch.equal(renderer.render(scene, seed=0), renderer.render(scene.without_target(), seed=0))


def test_scene_is_left_alone(renderer, make_scene):
    scene = make_scene()
    image, disparity = scene.image.clone(), scene.disparity.clone()
    renderer.render(scene)
    assert torch.equal(scene.image, image)
    assert torch.equal(scene.disparity, disparity)


def test_what_is_not_asked_for_makes_no_difference(renderer, make_scene):
    """Reading it would raise; so would a renderer that got at it in another way be found."""
    scene = make_scene(f_number=2.8)
    others = {
        "disparity": 1.0 - scene.disparity,
        "focus": 0.3,
        "blur strength": 2.0,
        "gamma": 1.8,
        "f-number": 16.0,
    }
    changes = {INPUT_FIELDS[word]: others[word] for word in others if word not in renderer.capabilities.inputs}
    assert torch.equal(renderer.render(dataclasses.replace(scene, **changes)), renderer.render(scene))


def test_a_scene_that_lacks_what_it_needs_is_skipped_with_the_reason(renderer, make_scene):
    scene = make_scene(f_number=2.8, scale=renderer.capabilities.scale, target=None)
    assert renderer.skip(scene) is None
    everything = frozenset(INPUT_FIELDS)
    for word in renderer.capabilities.inputs:
        assert f"needs the {word}" in renderer.skip(scene.given(everything - {word}))
    for word in everything - renderer.capabilities.inputs:
        assert renderer.skip(scene.given(everything - {word})) is None
    assert "the scene asks for 7x" in renderer.skip(dataclasses.replace(scene, scale=7))


@pytest.mark.parametrize("value", [0.1, 0.4, 0.8])
def test_constant_image_stays_constant(renderer, make_scene, value):
    image = torch.full((3, 24, 32), value)
    output = renderer.render(make_scene(image=image))
    if isinstance(renderer, LearnedRenderer):  # its autoencoder reconstructs only nearly
        assert psnr(output, image) >= LEARNED_CONSTANT_DB
    else:
        assert torch.allclose(output**2.2, image**2.2, atol=TOLERANCE)


def test_zero_blur_strength_is_the_input(renderer, make_scene):
    down, right = torch.linspace(0, 1, 96)[:, None], torch.linspace(0, 1, 128)[None, :]
    smooth = torch.stack(
        [0.2 + 0.6 * right + 0 * down, 0.3 + 0.4 * down + 0 * right, 0.5 + 0.3 * (6 * right).sin() * (5 * down).cos()]
    )
    scenes = [make_scene(blur_strength=0.0), make_scene(96, 128, image=smooth, blur_strength=0.0)]
    if "blur strength" not in renderer.capabilities.inputs and renderer.name != "identity":  # not given, so never zero
        assert torch.equal(renderer.render(scenes[0]), renderer.render(make_scene(blur_strength=6.0)))
        return
    if isinstance(renderer, LearnedRenderer):  # noise is not what an autoencoder is for
        assert psnr(renderer.render(scenes[1]), smooth) >= RESTORED_SHARP_DB.get(renderer.name, LEARNED_SHARP_DB)
        return
    for scene, tolerance in zip(scenes, (SOFTER.get(renderer.name, TOLERANCE), TOLERANCE), strict=True):
        assert torch.allclose(renderer.render(scene) ** scene.gamma, scene.image**scene.gamma, atol=tolerance)


def test_detail_is_lost_where_it_is_out_of_focus(renderer, make_scene):
    """A wide lens averages noise away; one that asks for no blur strength makes the same picture at any."""
    far = torch.zeros(1, 64, 96)
    scene = make_scene(64, 96, disparity=far, focus_disparity=1.0, blur_strength=6.0)
    if "blur strength" not in renderer.capabilities.inputs:
        assert torch.equal(renderer.render(scene), renderer.render(dataclasses.replace(scene, blur_strength=0.0)))
        return
    kept = renderer.render(scene)[:, 8:-8, 8:-8].std() / scene.image[:, 8:-8, 8:-8].std()
    assert float(kept) <= NOISE_KEPT
