"""The renderer on pictures whose result is known; ``../test_contract.py`` has what every renderer promises."""

import pytest
import torch

from bokehbench.core.errors import SkippedSceneError
from bokehbench.renderers.dr_bokeh.renderer import DrBokehRenderer
from bokehbench.renderers.interface import Scene

RADIUS_PX = 6.0


@pytest.fixture(scope="module")
def renderer():
    renderer = DrBokehRenderer()
    renderer.prepare()
    return renderer


def before_white(disparity, focus, **fields):
    """Black where the disparity (H,W) is above 0, before white."""
    image = (disparity <= 0).float().expand(3, *disparity.shape)
    scene = {"focus_disparity": focus, "blur_strength": RADIUS_PX, "gamma": 1.0}
    return Scene(name="black before white", image=image, disparity=disparity[None], **(scene | fields))


def half_plane():
    disparity = torch.zeros(32, 64)
    disparity[:, 32:] = 1.0
    return disparity


def test_a_sharp_foreground_takes_no_light_from_a_blurred_background_nor_gives_any(renderer):
    scene = before_white(half_plane(), focus=1.0)
    torch.testing.assert_close(renderer.render(scene), scene.image, rtol=0, atol=1e-3)


def test_a_blurred_foreground_is_as_opaque_as_a_square_of_its_radius(renderer):
    """The definition's half size is int(r / 2), r = 7: columns 29 to 34 see both."""
    across = renderer.render(before_white(half_plane(), focus=0.0))[0, 16]
    expected = torch.cat([torch.ones(29), 1 - torch.arange(1, 7) / 7, torch.zeros(29)])
    torch.testing.assert_close(across, expected, rtol=0, atol=2e-3)


def test_no_seam_shows_where_a_surface_ceases_to_hide_something(renderer):
    """A white half, and a black one that recedes from a step to behind it."""
    left = torch.arange(56) < 20
    disparity = torch.where(left, 0.0, torch.linspace(1, -0.2, 120)[:, None])
    image = left.float().expand(3, 120, 56)
    scene = Scene(name="two surfaces", image=image, disparity=disparity[None], focus_disparity=2.0, blur_strength=3.0)
    assert float(renderer.render(scene)[:, :, 34:].max()) <= 1e-3


def test_it_says_which_layers_it_made_and_how_it_gathers(renderer):
    assert renderer.backend.startswith("layers: foreground and completed background of classical-occlusion; gather: ")


def test_radii_without_bounds_are_refused(renderer):
    with pytest.raises(SkippedSceneError, match="radii of up to 256 px, the scene's is 270"):
        renderer.render(before_white(half_plane(), focus=0.0, blur_strength=270.0))
