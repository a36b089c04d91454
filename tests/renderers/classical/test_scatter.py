"""The renderer `classical` as the benchmark calls it."""

from dataclasses import replace

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, SkippedSceneError
from bokehbench.core.optics import to_display, to_linear
from bokehbench.renderers.classical.aperture import Aperture
from bokehbench.renderers.classical.aperture_reference import scatter_aperture_reference
from bokehbench.renderers.classical.reference import scatter_reference
from bokehbench.renderers.classical.scatter import ScatterRenderer
from bokehbench.renderers.interface import Scene
from bokehbench.renderers.registry import load_renderer


def scene(blur_strength, gamma=2.2, brightest=1.0):
    generator = torch.Generator().manual_seed(3)
    return Scene(
        name="noise",
        image=brightest * torch.rand(3, 32, 40, generator=generator),
        disparity=torch.rand(1, 32, 40, generator=generator),
        focus_disparity=0.4,
        blur_strength=blur_strength,
        gamma=gamma,
    )


@pytest.mark.parametrize("gamma", [1.0, 2.2, 5.0])
@pytest.mark.parametrize("brightest", [1.0, 4.0])
def test_renders_the_definition_in_linear_light(gamma, brightest):
    blurred = scene(12.0, gamma, brightest)
    linear = scatter_reference(
        to_linear(blurred.image.double(), gamma), (12.0 * (blurred.disparity.double() - 0.4)).abs()[0]
    )
    output = load_renderer("classical").render(blurred)
    torch.testing.assert_close(output.double(), to_display(linear, gamma), rtol=0, atol=2e-4)


def test_blur_strength_zero_gives_the_input_back():
    """Up to what the definition's soft rim hands to the four neighbours of a sharp pixel: 6.7e-4 of its weight each."""
    sharp = scene(0.0)
    output = load_renderer("classical").render(sharp)
    linear = to_linear(sharp.image, 2.2)
    torch.testing.assert_close(to_linear(output, 2.2), linear, rtol=0, atol=2.8e-3)
    assert not torch.equal(output, sharp.image)


def test_the_same_scene_gives_the_same_bits():
    renderer = load_renderer("classical")
    assert torch.equal(renderer.render(scene(9.0)), renderer.render(scene(9.0)))


def test_black_stays_black_and_white_stays_white():
    for value in (0.0, 1.0):
        flat = Scene(
            name="flat",
            image=torch.full((3, 16, 16), value),
            disparity=torch.rand(1, 16, 16),
            focus_disparity=0.5,
            blur_strength=10.0,
        )
        torch.testing.assert_close(load_renderer("classical").render(flat), flat.image, rtol=0, atol=1e-6)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_gpu_and_cpu_agree():
    renderer = load_renderer("classical")
    renderer.prepare("cuda")
    on_gpu = renderer.render(scene(12.0)).cpu()
    torch.testing.assert_close(on_gpu, load_renderer("classical").render(scene(12.0)), rtol=0, atol=2e-4)


def test_another_aperture_is_rendered_as_its_definition_says():
    aperture = Aperture(blades=6, cat_eye=0.5)
    whole = scene(12.0)
    blurred = replace(whole, image=whole.image[:, :12, :14], disparity=whole.disparity[:, :12, :14])
    linear = to_linear(blurred.image.double(), 2.2).numpy()
    expected = scatter_aperture_reference(linear, 12.0 * (blurred.disparity[0].double().numpy() - 0.4), aperture)
    output = ScatterRenderer(aperture=aperture).render(blurred)
    torch.testing.assert_close(output.double(), to_display(torch.from_numpy(expected), 2.2), rtol=0, atol=2e-4)


def test_recovered_highlights_brighten_what_is_blurred_and_nothing_that_is_flat():
    lamp = scene(12.0)
    lamp.image.mul_(0.3)[:, 16, 20] = 1.0
    plain, recovered = load_renderer("classical").render(lamp), ScatterRenderer(highlights=20.0).render(lamp)
    assert float(recovered.sum()) > 1.02 * float(plain.sum())
    flat = replace(lamp, image=torch.full((3, 32, 40), 0.95))
    torch.testing.assert_close(ScatterRenderer(highlights=20.0).render(flat), flat.image, rtol=0, atol=1e-5)


def test_options_that_cannot_be_are_refused():
    with pytest.raises(InvalidOptionError, match=r"highlights: expected a number of at least 1, got 0\.5"):
        ScatterRenderer(highlights=0.5)
    with pytest.raises(SkippedSceneError, match="recovers highlights of display pictures"):
        ScatterRenderer(highlights=2.0).render(scene(3.0, brightest=4.0))
