"""The Python function: the same picture as the renderer makes of the scene that is meant."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, MissingDataError
from bokehbench.core.scene import Scene
from bokehbench.photograph.blur import blur
from bokehbench.photograph.depth import DepthSource, find_depth
from bokehbench.photograph.reading import Photograph
from bokehbench.photograph.request import Look, choose_device
from bokehbench.renderers.classical.aperture import Aperture
from bokehbench.renderers.interface import Capabilities
from bokehbench.renderers.registry import load_renderer


def test_a_file_and_its_arrays_give_what_the_renderer_makes_of_the_scene(photo, pixels, disparity):
    scene = Scene(
        name="x",
        image=torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32) / np.float32(255.0)).contiguous(),
        disparity=torch.from_numpy(disparity)[None],
        focus_disparity=1.0,
        blur_strength=6.0,
    )
    expected = load_renderer("classical").render(scene).permute(1, 2, 0).numpy()
    options = {"focus_disparity": 1.0, "radius_px": 6.0}
    np.testing.assert_array_equal(blur(pixels, disparity=disparity, **options), expected)
    of_files = blur(str(photo), disparity=photo.with_name("map.png"), **options)
    np.testing.assert_allclose(of_files, expected, atol=1e-3)  # the map has 16 bits


def test_options_reach_the_renderer(pixels, disparity):
    plain = blur(pixels, disparity=disparity, radius_px=6.0)
    shaped = blur(pixels, disparity=disparity, radius_px=6.0, aperture=6, rotation_deg=5, cat_eye=0.5)
    bright = blur(pixels, disparity=disparity, radius_px=6.0, highlights=8.0)
    sharp = blur(pixels, disparity=disparity, renderer="identity")
    assert np.abs(shaped - plain).max() > 0.02
    assert bright.mean() > plain.mean()
    np.testing.assert_allclose(sharp * 255.0, pixels, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "the picture: carries no depth map: give one with --disparity FILE, .* --estimate"),
        ({"disparity": np.ones((3, 3))}, r"disparity: expected \(40, 56\) that varies in float32, got \(3, 3\)"),
        ({"disparity": 1.0 + np.eye(40, 56) * 1e-12}, r"expected \(40, 56\) that varies in float32, got \(40, 56\)"),
        ({"disparity": np.eye(40, 56) * 1e300}, "disparity: holds NaN, or what is infinite in float32"),
        ({"depth": np.ones((40, 56))}, "depth: expected a file, got ndarray"),
        ({"disparity": [[0.0, 1.0]]}, "disparity: expected a file or an array of NumPy, got list"),
        ({"disparity": np.ones((40, 56), bool)}, "disparity: expected numbers, got bool"),
        ({"disparity": "map.png", "depth": "metres.exr"}, "disparity, depth, estimate: expected one of them at most"),
        (
            {"focus": (0.5, 0.5), "focus_depth": 2.0},
            "focus, focus_disparity, focus_depth: expected one of them at most",
        ),
        ({"radius_px": 8.0, "f_number": 2.0}, "radius_px, f_number: expected one of them at most"),
        ({"renderer": "bokehme", "aperture": "hexagon"}, "bokehme: .* are options of classical"),
        ({"disparity": "absent.png"}, "absent.png: expected a map of disparity, found none"),
    ],
)
def test_what_is_missing_or_impossible_is_one_line(pixels, disparity, options, message):
    given = {"disparity": disparity} | options if "renderer" in options else options
    with pytest.raises((InvalidOptionError, MissingDataError), match=message):
        blur(pixels, **given)


@pytest.mark.parametrize("photograph", [None, [[0.5]], np.zeros((0, 0, 3), np.float32)])
def test_what_is_no_photograph_is_one_line(disparity, photograph):
    with pytest.raises(InvalidOptionError, match="photograph: expected"):
        blur(photograph, disparity=disparity)


def test_a_network_guesses_in_this_process_wherever_the_renderer_runs(monkeypatch, pixels):
    used = []

    class Guess:
        kind = "relative"

        def __init__(self, model, device):
            used.append(device)

        def estimate(self, pictures):
            return [picture[..., 0] for picture in pictures]

    monkeypatch.setattr("bokehbench.datasets.pairs.estimate_disparity.DepthAnything", Guess)
    photograph = Photograph(name="x", pixels=pixels.astype(np.float32))
    for available in (True, False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda available=available: available)
        find_depth(None, photograph, DepthSource(estimate=True), "cuda:0")
    assert used == ["cuda:0", "cpu"]


def test_without_a_device_a_renderer_gets_one_that_it_runs_on(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    shaped = Look(aperture=Aperture(blades=6))
    assert choose_device(None, load_renderer("classical"), Look()) == "cuda"
    assert choose_device(None, load_renderer("classical"), shaped) == "cpu"
    assert choose_device(None, load_renderer("gmic-dof"), Look()) == "cpu"
    assert choose_device("cuda", load_renderer("gmic-dof"), Look()) == "cuda"  # which it then refuses
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    apart = SimpleNamespace(capabilities=Capabilities(devices=("cuda",)))  # in a process with a torch of its own
    assert choose_device(None, apart, Look()) == "cuda"
    assert choose_device(None, load_renderer("classical"), Look()) == "cpu"
