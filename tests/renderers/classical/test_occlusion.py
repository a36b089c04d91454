"""Closed forms of a lens behind edges, agreement with the plain scatter, and path-traced truth."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from bokehbench.datasets.blb.files import read_blb_scene
from bokehbench.renderers.classical import occlusion
from bokehbench.renderers.classical.cpu.highlights import Highlights, assign_to_surface
from bokehbench.renderers.classical.cpu.march import interpolation_scale, vogel_disc
from bokehbench.renderers.classical.cpu.reach import LENS_SAMPLES
from bokehbench.renderers.classical.occlusion import OcclusionRenderer
from bokehbench.renderers.classical.scatter import ScatterRenderer
from bokehbench.renderers.classical.surfaces import NOTHING, Surfaces, whole_pixels
from bokehbench.renderers.interface import Scene

TRUTH = Path(__file__).resolve().parents[2] / "data" / "pathtraced"
RADIUS = 8.0


class MarchedEverywhere(OcclusionRenderer):
    """Marches rays where a single surface is in reach, too: every pixel counts as an edge."""

    def _march(self, surfaces, *rest):
        super()._march(dataclasses.replace(surfaces, edges=np.ones_like(surfaces.edges)), *rest)


def layered(image, near, focus):
    """A picture in linear light whose pixels in ``near`` lie at disparity 1, the others at 0."""
    disparity = torch.from_numpy(near.astype(np.float32))[None]
    return Scene(
        name="analytic",
        image=torch.from_numpy(image.astype(np.float32)),
        disparity=disparity,
        focus_disparity=focus,
        blur_strength=RADIUS,
        gamma=1.0,
    )


def covered_share(distance):
    """Share of a disc of radius RADIUS on the near side of a straight edge at ``distance`` px from its centre."""
    t = np.clip(distance / RADIUS, -1.0, 1.0)
    return (np.arccos(t) - t * np.sqrt(1.0 - t * t)) / np.pi


def stripes(height, width, period):
    return 0.5 + 0.4 * np.sign(np.sin(2.0 * np.pi * (np.arange(height)[:, None] + 0.5) / period)) * np.ones((1, width))


def psnr(a, b):
    return -10.0 * np.log10(float(((a.clamp(0, 1) - b.clamp(0, 1)) ** 2).mean()))


@pytest.fixture(scope="module")
def renderer():
    renderer = OcclusionRenderer()
    renderer.prepare()
    return renderer


def test_defocused_foreground_edge_is_partly_transparent(renderer):
    """A white half-plane out of focus in front of a textured background in focus: alpha is a circle's segment."""
    near = np.zeros((64, 64), bool)
    near[:, 32:] = True
    texture = stripes(64, 64, 16)
    image = np.where(near, 1.0, texture)[None].repeat(3, 0)
    output = renderer.render(layered(image, near, focus=0.0))[0].numpy()
    x = np.arange(64)
    alpha = covered_share(31.5 - x)
    expected = alpha + (1.0 - alpha) * texture
    visible = slice(12, 32)  # where the background was seen by the pinhole, it is known
    error = np.abs(output - expected)[20:44, visible]
    assert error.max() < 0.02  # beside the edge, too, where a white stripe could be foreground
    hidden = (alpha + (1.0 - alpha) * texture[20:44].mean())[32:]  # behind it the stripes are guessed from their ends
    assert np.abs(output[20:44, 32:].mean(axis=0) - hidden).max() < 0.02


@pytest.mark.parametrize("samples", LENS_SAMPLES)
def test_lens_patterns_see_any_straight_edge(samples):
    """An edge at any distance and angle covers the share of a pattern's points that it covers of the disc."""
    tolerance = 0.02 if samples >= 256 else 0.026  # what bounds the closed forms with the fewest rays
    distance = np.linspace(-1.0, 1.0, 101)
    for angle in np.linspace(0.0, np.pi, 60):
        along = np.sort(vogel_disc(samples) @ [np.cos(angle), np.sin(angle)])
        beyond = 1.0 - np.searchsorted(along, distance) / samples
        assert np.abs(beyond - covered_share(RADIUS * distance)).max() < tolerance


@pytest.mark.parametrize("radius", [0.3, 0.79, 1.25, 1.35, 3.0, 8.0])
def test_interpolated_discs_blur_as_much_as_the_lens(radius):
    """Second moment of the interpolated samples along x: r^2 / 4, to a hundredth of a squared pixel."""
    x = np.abs(interpolation_scale(np.float32(radius)) * radius * vogel_disc(4096)[:, 0])
    fraction = x % 1.0
    assert abs(np.mean(x**2 + fraction * (1.0 - fraction)) - radius**2 / 4.0) < 0.01


def test_sharp_foreground_does_not_leak(renderer):
    """A half-plane in focus in front of a defocused grey background: the edge stays a step, nothing shines through."""
    near = np.zeros((64, 64), bool)
    near[:, 32:] = True
    image = np.where(near, 1.0, 0.2)[None].repeat(3, 0)
    output = renderer.render(layered(image, near, focus=1.0))[0].numpy()
    assert np.abs(output - np.where(near, 1.0, 0.2)).max() < 0.02


def test_thin_bar_in_front(renderer):
    """A bar 4 px wide out of focus covers the difference of two segments."""
    near = np.zeros((64, 64), bool)
    near[:, 30:34] = True
    image = np.where(near, 1.0, 0.1)[None].repeat(3, 0)
    output = renderer.render(layered(image, near, focus=0.0))[0].numpy()
    x = np.arange(64)
    alpha = covered_share(29.5 - x) - covered_share(33.5 - x)
    assert np.abs(output[32] - (0.1 + 0.9 * alpha)).max() < 0.02


def test_disc_of_light_behind_an_edge(renderer):
    """A point of light behind a sharp edge: a disc of even brightness, cut by the edge where that hides the light."""
    near = np.zeros((64, 64), bool)
    near[:, 32:] = True
    image = np.zeros((3, 64, 64))
    image[:, 32, 27] = 60.0
    output = renderer.render(layered(image, near, focus=1.0))[0].numpy()
    y, x = np.mgrid[0:64, 0:64]
    distance = np.hypot(y - 32, x - 27)
    inside = 60.0 / (np.pi * RADIUS**2)
    assert np.abs(output[(distance < RADIUS - 1.0) & (x < 32)] - inside).max() < 0.02
    assert output[(distance > RADIUS + 1.0) | (x >= 32)].max() < 0.02


def test_highlight_is_cut_by_a_defocused_edge(renderer):
    """Both out of focus on either side of it: light at -R, an opaque half-plane at +R, seen through the free lens."""
    near = np.zeros((64, 64), bool)
    near[:, 40:] = True
    image = np.zeros((3, 64, 64))
    image[:, 32, 24] = 60.0
    scene = layered(image, near, focus=0.5)
    output = renderer.render(scene)[0].numpy()
    # Radius 4 either way: the disc ends 12 px before the edge and is not touched by it.
    y, x = np.mgrid[0:64, 0:64]
    distance = np.hypot(y - 32, x - 24)
    assert np.abs(output[distance < 3.0] - 60.0 / (np.pi * 16.0)).max() < 0.25
    assert output[distance > 5.2].max() < 0.02


@pytest.mark.parametrize("defocus", [3.0, 9.5])
def test_constant_depth_equals_the_plain_scatter(make_scene, defocus):
    scene = make_scene(48, 64, disparity=torch.ones(1, 48, 64), focus_disparity=0.0, blur_strength=defocus)
    plain = ScatterRenderer().render(scene)
    assert psnr(OcclusionRenderer().render(scene), plain) > 60.0
    interior = (slice(None), slice(12, -12), slice(12, -12))
    marched = MarchedEverywhere(samples=512).render(scene)
    assert psnr(marched[interior], plain[interior]) > 35.0  # white noise is the worst texture for sampling


def test_zero_blur_returns_the_input(renderer, make_scene):
    scene = make_scene(blur_strength=0.0)
    assert torch.equal(renderer.render(scene), scene.image)


def test_mixed_pixels_change_nothing_in_focus(renderer):
    """Everything nearly in focus: separating mixtures and composing them again gives the picture."""
    near = np.zeros((48, 48), np.float32)
    near[:, 24:] = 1.0
    near[:, 23] = 0.4
    image = (0.2 + 0.6 * near)[None].repeat(3, 0)
    scene = layered(image, near, focus=0.5)
    nearly = Scene(**{**vars(scene), "blur_strength": 0.2})
    assert torch.allclose(renderer.render(nearly), scene.image, atol=0.05)


def test_threads_make_no_difference(renderer, make_scene):
    scene = make_scene(64, 80)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = renderer.render(scene)
        torch.set_num_threads(3)
        three = renderer.render(scene)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(one, three)


def test_surfaces_are_kept_for_a_focal_stack_and_no_longer(make_scene):
    renderer, kept = OcclusionRenderer(), []
    for focus in (0.2, 0.5, 0.8):
        renderer.render(make_scene(focus_disparity=focus))
        kept.append(renderer._kept)
    assert kept[0] is kept[1] is kept[2]
    renderer.render(make_scene(seed=1))
    assert renderer._kept is not kept[0]


def test_path_traced_truth(renderer):
    """Over 4 dB above the plain scatter on average, and below it nowhere."""
    plain, gains = ScatterRenderer(), {}
    for folder in sorted(TRUTH.iterdir()):
        for focus in (0, 1):
            scene = read_blb_scene(folder, 0, focus)
            ours, classical = renderer.render(scene), plain.render(scene)
            gains[folder.name, focus] = psnr(ours, scene.target) - psnr(classical, scene.target)
    assert len(gains) == 16
    assert np.mean(list(gains.values())) > 4.0
    assert min(gains.values()) > 0.3


def test_lamp_behind_hairs_is_one_lamp():
    """Where a strand covers part of a lamp, the light is the lamp's, and what the strand hides of it is added."""
    front = np.zeros((3, 5, 4), np.float32)
    front[..., 3] = 1.0
    front[1, 2, 3] = 0.75
    disparity, behind = np.zeros((3, 5), np.float32), np.full((3, 5), NOTHING)
    disparity[1, 2], behind[1, 2] = 1.0, 0.0
    surfaces = Surfaces(front, disparity, front[..., :3], behind, np.ones((3, 5), bool), 0.1)
    light = np.array([[8.0] * 3, [2.0] * 3], np.float32)
    placed = assign_to_surface(Highlights(np.array([1, 1]), np.array([1, 2]), light, np.zeros(2, int)), surfaces)
    assert placed.layers.tolist() == [0, 1]
    assert placed.light[:, 0].tolist() == [8.0, 8.0]


@pytest.mark.parametrize(("step", "without_it"), [("split_edges", whole_pixels), ("complete_background", lambda x: x)])
def test_each_step_helps_on_path_traced_truth(renderer, step, without_it, monkeypatch):
    scene = read_blb_scene(TRUTH / "103", 0, 1)
    with monkeypatch.context() as patch:
        patch.setattr(occlusion, step, without_it)
        without = OcclusionRenderer().render(scene)
    assert psnr(renderer.render(scene), scene.target) > psnr(without, scene.target) + 1.0


def test_forgotten_surfaces_are_separated_again(monkeypatch):
    renderer = OcclusionRenderer()
    renderer.prepare()
    separated, separate_surfaces = [], renderer._separate_surfaces

    def count(*picture):
        separated.append(picture)
        return separate_surfaces(*picture)

    monkeypatch.setattr(renderer, "_separate_surfaces", count)
    near = np.arange(32)[None] < np.full((32, 1), 16)
    scene = layered(np.full((3, 32, 32), 0.5), near, 1.0)
    first = renderer.render(scene)
    renderer.render(scene)
    assert len(separated) == 1
    renderer.forget()
    assert torch.equal(renderer.render(scene), first)
    assert len(separated) == 2
