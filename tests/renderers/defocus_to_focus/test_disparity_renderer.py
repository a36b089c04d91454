"""The layered rendering by a scene's own defocus."""

import pytest
import torch

from bokehbench.renderers.classical.scatter import ScatterRenderer
from bokehbench.renderers.defocus_to_focus.from_disparity import halvings_for, separate_surfaces
from bokehbench.renderers.defocus_to_focus.layering import Layering
from bokehbench.renderers.registry import load_renderer


def planes(make_scene, focus, **fields):
    """A grey picture of waves: a near square over a far plane."""
    image = (0.5 + 0.3 * torch.linspace(0.0, 24.0, 64).sin()).expand(3, 64, 64)
    return make_scene(64, 64, image=image, focus_disparity=focus, blur_strength=10.0, **fields)


@pytest.mark.parametrize("name", ["defocus-to-focus-disparity", "defocus-to-focus-signed"])
def test_it_blurs_a_plane_as_the_scatter_does(make_scene, name):
    scene = planes(make_scene, 0.9, disparity=torch.full((1, 64, 64), 0.2))
    error = (load_renderer(name).render(scene) - ScatterRenderer().render(scene))[:, 8:-8, 8:-8].square().mean()
    assert float(error) < 1e-4


def test_only_signed_layers_spread_over_what_is_in_focus(make_scene):
    scene = planes(make_scene, 0.2)  # the far plane
    disparity = scene.disparity[0] < 0.5
    changed = {
        name: float((load_renderer(name).render(scene) - scene.image).abs().amax(0)[disparity].mean())
        for name in ("defocus-to-focus-disparity", "defocus-to-focus-signed")
    }
    assert changed["defocus-to-focus-disparity"] < 1e-3
    assert changed["defocus-to-focus-signed"] > 3.0 * changed["defocus-to-focus-disparity"]


def test_a_picture_is_halved_where_its_radii_are_too_large(make_scene):
    assert [halvings_for(radius, Layering()) for radius in (0.0, 34.0, 35.0, 80.0)] == [0, 0, 1, 2]
    large = make_scene(64, 65, disparity=torch.full((1, 64, 65), 0.2), focus_disparity=0.9, blur_strength=100.0)
    picture = load_renderer("defocus-to-focus-disparity").render(large)
    assert picture.shape == (3, 64, 65)
    assert float(picture.std()) < 0.2 * float(large.image.std())


def test_mixed_pixels_get_the_nearer_of_two_surfaces():
    defocus = torch.tensor([0.0, 0.0, 0.0, 3.0, 8.0, 10.0, 10.0, 10.0]).expand(1, 1, 6, 8)
    assert separate_surfaces(defocus)[0, 0, 0].tolist() == [0.0, 0.0, 0.0, 0.0, 10.0, 10.0, 10.0, 10.0]
    slope = torch.linspace(0.0, 3.0, 8).expand(1, 1, 6, 8)
    assert torch.equal(separate_surfaces(slope), slope)


@pytest.mark.parametrize("name", ["no-radiance", "hard-disc", "8-layers", "30-layers"])
def test_an_ablation_changes_the_picture(make_scene, name):
    scene = make_scene(48, 48)
    full = load_renderer("defocus-to-focus-disparity").render(scene)
    assert not torch.equal(load_renderer(f"defocus-to-focus-disparity-{name}").render(scene), full)
