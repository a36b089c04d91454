"""Blurred colours: those of tokens, blurred by PISA with all logits equal, as the latent that n is added to."""

import pytest
import torch
from torch import nn

from bokehbench.core.errors import InvalidOptionError
from bokehbench.core.optics import GAMMA
from bokehbench.renderers.attention.geometry import TokenGeometry
from bokehbench.renderers.attention.parts import PlannedPart, TokenPart
from bokehbench.renderers.attention.physics import PisaPhysics
from bokehbench.renderers.attention.plan import build_plan
from bokehbench.renderers.attention.reference import pisa_dense
from bokehbench.renderers.bokehdiff import pipeline
from bokehbench.renderers.bokehdiff.inputs.token_colours import TokenColours, enlarge
from bokehbench.renderers.bokehdiff.models.compact import build_compact
from bokehbench.renderers.diffusion.tiling import Tile, cover_with_tiles
from bokehbench.renderers.interface import Scene

from ....tiny_models import SMALL

PITCH = 4
ABLATIONS = [
    {},
    {"occlusion": False},
    {"softmax_over_queries": False},
    {"coc": False},
    {"coc": False, "softmax_over_queries": False, "occlusion": False},
]


@pytest.fixture
def scene():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, 48, 64, generator=generator)
    disparity = torch.where(torch.arange(64).expand(2, 1, 48, 64) < 30, 0.8, 0.2)
    return image, disparity, 30.0 * (disparity - 0.2)


@pytest.fixture
def starting():
    torch.manual_seed(0)
    return build_compact(size=SMALL, output_form="blurred-colours")


def plan_for(disparity, defocus_px, method=None, **changes):
    grid = tuple(length // PITCH for length in disparity.shape[-2:])
    geometry = TokenGeometry.from_maps(disparity, defocus_px, grid)
    return [PlannedPart(TokenPart(geometry), build_plan(geometry, PisaPhysics(**changes), method=method))]


def mean_colours(colours):
    return nn.functional.avg_pool2d(colours.linear, PITCH)


@pytest.mark.parametrize("method", ["lists", "tiles"])
@pytest.mark.parametrize("changes", ABLATIONS)
def test_equals_the_dense_reference(scene, changes, method):
    image, disparity, defocus = scene
    planned = plan_for(disparity, defocus, method, **changes)
    ((_, plan),) = planned
    colours = TokenColours.of_picture(image, PITCH)
    own = mean_colours(colours)
    values = torch.cat([own, torch.ones(2, 1, 12, 16)], dim=1).flatten(2).transpose(1, 2)[:, None].double()
    nothing = torch.zeros_like(values)
    arrived = pisa_dense(nothing, nothing, values, plan.geometry, plan.physics)[:, 0].transpose(1, 2)
    light = (arrived[:, :3] + 1e-3 * own.flatten(2)) / (arrived[:, 3:] + 1e-3)
    picture = light.clamp(0.0, 1.0).view(2, 3, 12, 16) ** (1 / 2.2)
    expected = nn.functional.interpolate(picture, scale_factor=PITCH, mode="bicubic").clamp(0.0, 1.0)
    torch.testing.assert_close(enlarge(colours.blur(planned), PITCH), expected.float(), rtol=0, atol=2e-5)


def test_one_colour_stays_what_it_is(scene):
    _, disparity, defocus = scene
    grey = torch.full((2, 3, 48, 64), 0.5)
    picture = enlarge(TokenColours.of_picture(grey, PITCH).blur(plan_for(disparity, defocus)), PITCH)
    torch.testing.assert_close(picture, grey, rtol=0, atol=1e-5)


def test_light_is_mixed_as_light():
    """A white half and a black half, blurred into each other, meet at half of the light, not of the code value."""
    image = torch.zeros(1, 3, 64, 64)
    image[..., 32:] = 1.0
    flat = torch.full((1, 1, 64, 64), 0.5)
    spread = TokenColours.of_picture(image, PITCH).blur(plan_for(flat, torch.full_like(flat, 12.0)))
    row = enlarge(spread, PITCH)[0, 0, 32]
    assert float(row[31:33].mean()) == pytest.approx(0.5 ** (1 / 2.2), abs=0.03)


def test_sharp_tokens_keep_their_means(scene):
    image, disparity, _ = scene
    colours = TokenColours.of_picture(image, PITCH)
    picture = enlarge(colours.blur(plan_for(disparity, torch.zeros_like(disparity), hardness=1e30)), PITCH)
    expected = nn.functional.interpolate(mean_colours(colours) ** (1 / 2.2), scale_factor=PITCH, mode="bicubic")
    torch.testing.assert_close(picture, expected.clamp(0.0, 1.0), rtol=0, atol=1e-5)


@torch.no_grad()
def test_untrained_model_goes_from_the_input_to_the_start_by_its_gate(starting, scene):
    image, disparity, defocus = scene
    z, colours = starting.encode(image), starting.token_colours(image)
    start = starting.encode(enlarge(colours.blur(plan_for(disparity, defocus)), PITCH))
    for gate, expected in ((-40.0, z), (40.0, start), (0.0, 0.5 * (z + start))):
        nn.init.constant_(starting.unet.conv_out.bias[16:], gate)
        z0 = starting.denoise(z, disparity, defocus, colours=colours)
        torch.testing.assert_close(z0, expected, rtol=0, atol=1e-4)


@torch.no_grad()
def test_the_start_reaches_the_network(starting, scene):
    image, disparity, defocus = scene
    nn.init.normal_(starting.unet.conv_out.weight, std=0.02)
    nn.init.zeros_(starting.unet.conv_out.weight[16:])
    nn.init.constant_(starting.unet.conv_out.bias[16:], 40.0)
    z, plan = starting.encode(image), plan_for(disparity, defocus)
    said = []
    for picture in (image, 0.5 * image):
        colours = starting.token_colours(picture)
        start = starting.encode(enlarge(colours.blur(plan), PITCH))
        said.append(starting.denoise(z, disparity, defocus, colours=colours) - start)
    assert not torch.allclose(*said, atol=1e-3)


@torch.no_grad()
def test_tiles_are_blended(starting, scene, monkeypatch):
    image, disparity, _ = scene
    monkeypatch.setattr(starting, "encode", lambda x: nn.functional.avg_pool2d(x, PITCH).repeat(1, 6, 1, 1)[:, :16])
    nn.init.constant_(starting.unet.conv_out.bias[16:], 40.0)
    z, colours = starting.encode(image), starting.token_colours(image)
    sharp = torch.zeros_like(disparity)
    whole = starting.denoise(z, disparity, sharp, colours=colours)
    tiled = starting.denoise(z, disparity, sharp, cover_with_tiles(12, 16, 8, 4), colours=colours)
    torch.testing.assert_close(whole, tiled, rtol=0, atol=0.02)  # bicubic enlargement ends at a tile's edge


@torch.no_grad()
def test_a_tile_spreads_its_own_colours(starting, scene):
    image, disparity, defocus = scene
    nn.init.constant_(starting.unet.conv_out.bias[16:], 40.0)
    z, colours = starting.encode(image), starting.token_colours(image)
    tile = Tile(4, 8, 8, 8)
    rows, columns = slice(16, 48), slice(32, 64)
    plan = plan_for(disparity[..., rows, columns], defocus[..., rows, columns])
    start = starting.encode(enlarge(colours.cut(tile).blur(plan), PITCH))
    seen = starting._predict(z, disparity, defocus, tile, 0, None, colours)
    torch.testing.assert_close(seen[:, :16], start, rtol=0, atol=1e-5)


def test_ordinary_attention_lists_no_pairs(monkeypatch):
    """All pairs of 64 x 64 tokens would take 0.3 GB, and with the start there is a grid though no layer is PISA."""
    vanilla = build_compact("bokehdiff-vanilla", SMALL, output_form="blurred-colours")
    cut = []
    monkeypatch.setattr(pipeline, "cover_with_tiles", lambda *grid: cut.append(grid) or cover_with_tiles(*grid))
    image, disparity = torch.rand(1, 3, 256, 256), torch.linspace(0.1, 0.9, 256).expand(1, 1, 256, 256)
    vanilla(image, disparity, 0.5, 20.0)
    assert cut == [(64, 64, 64, 4)]
    plans = vanilla._build_plans(disparity, disparity, Tile(0, 0, 64, 64), 0)
    assert [plan._pairs for planned in plans.values() for _, plan in planned] == [None] * len(plans)


def test_colours_belong_to_their_output_form(starting, compact, scene):
    image, disparity, defocus = scene
    z = torch.zeros(2, 16, 12, 16)
    with pytest.raises(InvalidOptionError, match="blurred-colours expects some"):
        starting.denoise(z, disparity, defocus)
    assert compact.token_colours(image) is None
    with pytest.raises(InvalidOptionError, match="residual expects none"):
        compact.denoise(z, disparity, defocus, colours=starting.token_colours(image))


def test_gamma_is_that_of_scenes_unless_they_say_otherwise():
    scene = Scene(
        name="any", image=torch.zeros(3, 4, 4), disparity=torch.zeros(1, 4, 4), focus_disparity=0.0, blur_strength=1.0
    )
    assert scene.gamma == GAMMA


@pytest.mark.parametrize("gamma", [0.0, -1.0, float("nan"), 6.0])
def test_impossible_gamma(starting, scene, gamma):
    with pytest.raises(InvalidOptionError, match="gamma: expected 1 to 5"):
        starting(*scene[:2], 0.2, 30.0, gamma=gamma)


def test_gamma_counts(starting, scene):
    image, disparity, _ = scene
    nn.init.constant_(starting.unet.conv_out.bias[16:], 40.0)
    pictures = [starting(image, disparity, 0.2, 30.0, gamma=gamma).images for gamma in (1.0, 2.2)]
    assert not torch.allclose(*pictures, atol=1e-3)
