"""A lens passes; mistakes that adapters make do not."""

import re
from dataclasses import replace

import pytest

from bokehbench.renderers.outside.probes import FAR, NEAR, probe
from bokehbench.renderers.registry import load_renderer


@pytest.fixture(scope="module")
def renderer():
    return load_renderer("classical")


def scaled(scene, **fields):
    return replace(scene, disparity=(scene.disparity - FAR) / (NEAR - FAR), **fields)


MISTAKES = {
    "the sign turned": (lambda scene: replace(scene, disparity=NEAR + FAR - scene.disparity), "did not grow"),
    "clipped to [0,1]": (
        lambda scene: replace(scene, disparity=scene.disparity.clamp(0, 1), focus_disparity=1.0),
        "did not grow",
    ),
    "scaled, but not the strength": (lambda scene: scaled(scene, focus_disparity=1.0), "did not grow"),
    "half the radius": (lambda scene: replace(scene, blur_strength=scene.blur_strength / 2), r"over 2\.4 px"),
    "scaled, but not the focus": (scaled, r"over 6\.5 px where the radius is 6 px, expected 3\.7 to 5\.7"),
    "the diameter": (lambda scene: replace(scene, blur_strength=scene.blur_strength * 2), r"over 8\.6 px"),
}


def test_a_lens_passes(renderer):
    found = probe(renderer.render)
    assert found.fault is None
    assert found.sharp_db > 40.0
    assert found.weak_px == pytest.approx(1.9, abs=0.1)  # the root of R^2 / 2, a disc's, and 4 / 3, the dot's own
    assert found.strong_px == pytest.approx(4.4, abs=0.1)
    assert str(found).startswith("card ")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named(renderer, mistake):
    change, words = MISTAKES[mistake]
    assert re.search(words, probe(lambda scene: renderer.render(change(scene))).fault)


def test_what_no_lens_does_is_said(renderer):
    assert "at blur strength 0" in probe(lambda scene: renderer.render(scene).flip(0)).fault
    assert "did not grow" in probe(lambda scene: scene.image).fault
