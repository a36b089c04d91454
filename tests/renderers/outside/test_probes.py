from dataclasses import replace

import pytest

from bokehbench.renderers.outside.probes import probe
from bokehbench.renderers.registry import load_renderer


@pytest.fixture(scope="module")
def renderer():
    return load_renderer("classical")


def test_a_lens_passes(renderer):
    found = probe(renderer.render)
    assert found.fault is None
    assert found.sharp_db > 40.0
    assert found.weak_px == pytest.approx(2.0 / 2**0.5, abs=0.6)  # the radius of gyration of a disc, and of the dot
    assert str(found).startswith("card ")


def test_what_no_lens_does_is_said(renderer):
    assert "at blur strength 0" in probe(lambda scene: renderer.render(scene).flip(0)).fault
    assert "did not grow" in probe(lambda scene: scene.image).fault
    turned = probe(lambda scene: renderer.render(replace(scene, disparity=1.0 - scene.disparity)))
    assert "did not grow" in turned.fault
