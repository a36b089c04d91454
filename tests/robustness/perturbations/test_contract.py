import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch

from bokehbench.core.errors import InvalidOptionError, PluginError, UnknownNameError
from bokehbench.robustness.perturbations.estimates import OUTSET, SOFTNESS, estimate
from bokehbench.robustness.perturbations.interface import Perturbation
from bokehbench.robustness.perturbations.outlines import erode_unevenly, uneven_sizes
from bokehbench.robustness.perturbations.registry import PERTURBATIONS, load_perturbation

NAMES = list(PERTURBATIONS.entries)


@pytest.fixture
def scene(make_scene):
    return make_scene(60, 80, name="scene")


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    def test_the_neutral_severity_is_the_identity(self, scene, name):
        perturbation = load_perturbation(name)
        assert perturbation.name == name
        assert perturbation.neutral in perturbation.severities
        assert perturbation.apply(scene, perturbation.neutral) is scene
        assert bool(perturbation.directions) == perturbation.signed

    def test_every_default_severity_keeps_size_type_range_and_focus(self, scene, name):
        perturbation = load_perturbation(name)
        for severity in perturbation.severities:
            changed = perturbation.apply(scene, severity)
            assert changed.disparity.shape == scene.disparity.shape
            assert changed.disparity.dtype == torch.float32
            assert float(changed.disparity.min()) >= float(scene.disparity.min())
            assert float(changed.disparity.max()) <= float(scene.disparity.max())
            assert changed.image.shape == scene.image.shape
            assert 0.0 <= float(changed.image.min()) <= float(changed.image.max()) <= 1.0
            assert changed.focus_disparity == scene.focus_disparity
            assert changed.target is scene.target

    def test_severe_changes_what_it_says_and_leaves_the_input_alone(self, scene, name):
        perturbation = load_perturbation(name)
        smooth = torch.linspace(0, 1, 80).repeat(60, 1)[None] + scene.disparity
        given = type(scene)(**{**vars(scene), "disparity": smooth})
        before = smooth.clone(), scene.image.clone()
        changed = perturbation.apply(given, perturbation.severities[-1])
        assert perturbation.changes
        assert torch.equal(changed.disparity, given.disparity) == ("disparity" not in perturbation.changes)
        assert torch.equal(changed.image, given.image) == ("picture" not in perturbation.changes)
        assert torch.equal(smooth, before[0])
        assert torch.equal(scene.image, before[1])

    def test_same_seed_same_scene(self, scene, name):
        perturbation = load_perturbation(name)
        severity = perturbation.severities[-1]
        first, second = (perturbation.apply(scene, severity, seed=3) for _ in range(2))
        assert torch.equal(first.disparity, second.disparity)
        assert torch.equal(first.image, second.image)

    def test_constant_disparity_is_kept_finite(self, make_scene, name):
        perturbation = load_perturbation(name)
        flat = make_scene(disparity=torch.full((1, 24, 32), 0.5))
        assert torch.equal(perturbation.apply(flat, perturbation.severities[-1]).disparity, flat.disparity)

    @pytest.mark.parametrize("severity", [float("nan"), float("inf"), -1e9])
    def test_impossible_severity_is_refused(self, scene, name, severity):
        with pytest.raises(InvalidOptionError, match=f"perturbation {name}: expected"):
            load_perturbation(name).apply(scene, severity)


@pytest.mark.parametrize("size", [1, 3, -1, -3])
def test_erosion_is_the_naive_minimum_over_an_ellipse(scene, size):
    disparity = np.random.default_rng(0).random((20, 30), np.float32)
    changed = load_perturbation("erode").change_disparity(disparity, size, np.random.default_rng(0))
    e = abs(size)
    best = np.minimum if size > 0 else np.maximum
    expected = disparity.copy()
    for dy in range(-e, e + 1):
        # OpenCV's ellipse: columns within e * sqrt(1 - (dy/e)^2), rounded
        half = round(e * (1 - (dy / e) ** 2) ** 0.5)
        for dx in range(-half, half + 1):
            for y in range(20):
                for x in range(30):
                    if 0 <= y + dy < 20 and 0 <= x + dx < 30:
                        expected[y, x] = best(expected[y, x], disparity[y + dy, x + dx])
    assert np.array_equal(changed, expected)


def test_erosion_shrinks_and_dilation_grows_what_is_near(scene):
    near = [(load_perturbation("erode").apply(scene, e).disparity > 0.5).sum() for e in (4, 0, -4)]
    assert near[0] < near[1] < near[2]


def test_uneven_erosion_is_erosion_by_a_size_of_each_pixel(scene):
    erode = load_perturbation("erode").change_disparity
    disparity = np.random.default_rng(0).random((120, 160), np.float32)
    sizes = uneven_sizes((120, 160), 4, np.random.default_rng(1))
    changed = erode_unevenly(disparity, 4, np.random.default_rng(1))
    assert set(np.unique(sizes)) == set(range(-4, 5))
    for size in range(-4, 5):
        assert np.array_equal(changed[sizes == size], erode(disparity, size, None)[sizes == size])
    assert np.array_equal(uneven_sizes((120, 160), -4, np.random.default_rng(1)), -sizes)
    assert abs(np.diff(sizes, axis=0)).max() <= 1  # smooth
    assert abs((sizes > 0).mean() - (sizes < 0).mean()) < 0.01


def test_an_estimator_loses_thin_parts_and_keeps_thick_ones():
    disparity = np.zeros((80, 100), np.float32)
    disparity[:, 20:23] = disparity[:, 60:76] = 1.0
    changed = estimate(disparity, 4.0, np.random.default_rng(0))
    assert changed[:, :40].max() < 0.01
    assert changed[10:70, 67].min() > 0.99


def test_an_estimators_edges_are_soft_and_lie_outside():
    disparity = np.zeros((80, 120), np.float32)
    disparity[:, 60:] = 1.0
    for severity in (4.0, 8.0):
        profile = estimate(disparity, severity, np.random.default_rng(0))[40]
        low, middle, high = np.interp([0.1, 0.5, 0.9], profile, np.arange(120))
        assert 59.5 - middle == pytest.approx(OUTSET * severity, abs=0.5)
        assert high - low == pytest.approx(2.56 * SOFTNESS * severity, rel=0.05)


def test_shift_moves_to_the_right(scene):
    changed = load_perturbation("shift").apply(scene, 3).disparity
    assert torch.allclose(changed[..., 3:], scene.disparity[..., :-3])


def test_noise_has_the_stated_strength(make_scene):
    ramp = torch.linspace(0, 1, 200).repeat(100, 1)[None]
    scene = make_scene(100, 200, disparity=ramp)
    inside = slice(60, 140)  # away from the clipping at the range's ends
    for name in ("noise", "noise-smooth"):
        error = load_perturbation(name).apply(scene, 5).disparity - ramp
        assert float(error[..., inside].std()) == pytest.approx(0.05, rel=0.4)


def test_holes_cover_the_stated_area(make_scene):
    scene = make_scene(100, 200, disparity=torch.rand(1, 100, 200) + 1.0)
    changed = load_perturbation("holes").apply(scene, 20).disparity
    assert float((changed == scene.disparity.min()).float().mean()) == pytest.approx(0.2, abs=0.01)


def test_quantisation_leaves_the_stated_levels(make_scene):
    scene = make_scene(disparity=torch.linspace(0, 1, 24 * 32).reshape(1, 24, 32))
    assert len(load_perturbation("quantise").apply(scene, 25).disparity.unique()) == 5


def test_other_seeds_and_scenes_get_other_noise(make_scene):
    noise = load_perturbation("noise")
    maps = [noise.apply(make_scene(name=n), 5, seed=s).disparity for n, s in (("a", 0), ("a", 1), ("b", 0))]
    assert not torch.equal(maps[0], maps[1])
    assert not torch.equal(maps[0], maps[2])


@pytest.mark.parametrize("name", ["zoom", "degrade"])
def test_a_picture_is_the_same_whatever_becomes_of_the_disparity(scene, name):
    alone, both = (load_perturbation(kind).apply(scene, 4) for kind in (name, f"{name}-both"))
    assert torch.equal(alone.image, both.image)
    assert alone.disparity is scene.disparity
    assert not torch.equal(both.disparity, scene.disparity)
    for other in ({"seed": 1}, {"severity": 6}):
        assert not torch.equal(load_perturbation(name).apply(scene, **({"severity": 4} | other)).image, alone.image)


def test_unknown_name_and_lazy_listing():
    with pytest.raises(UnknownNameError, match="Did you mean erode"):
        load_perturbation("erod")
    registry = "bokehbench.robustness.perturbations.registry"
    code = f"import sys, {registry} as r; r.PERTURBATIONS.entries; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_perturbation_of_nothing_is_refused():
    with pytest.raises(PluginError, match="perturbation idle: changes nothing: give it change_disparity"):
        Perturbation(name="idle", unit="px", severities=(0, 1), maximum=1)


def test_what_a_perturbation_changes_in_place_stays_its_own(scene):
    def spoil(disparity, severity, rng):
        disparity *= 0.5
        return disparity

    before = scene.disparity.clone()
    original = load_perturbation("erode")
    dataclasses.replace(original, change_disparity=spoil).apply(scene, 1)
    assert torch.equal(scene.disparity, before)
