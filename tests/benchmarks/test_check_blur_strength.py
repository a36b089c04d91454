"""The blur strength that fits: of discs that `classical` drew itself, and where nothing can be told."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bokehbench.benchmarks import check_blur_strength
from bokehbench.benchmarks.check_blur_strength import away_from_steps, check_scene, compared
from bokehbench.core.scene import Scene
from bokehbench.renderers.registry import load_renderer


@pytest.fixture(scope="module")
def renderer():
    renderer = load_renderer("classical")
    renderer.prepare("cpu")
    return renderer


@pytest.fixture(scope="module")
def blurred(renderer):
    image = torch.rand((3, 48, 64), generator=torch.Generator().manual_seed(3))
    disparity = torch.linspace(0.8, 1.0, 64).expand(1, 48, 64).contiguous()
    scene = Scene(name="ramp", image=image, disparity=disparity, focus_disparity=0.0, blur_strength=5.0)
    return replace(scene, target=renderer.render(scene))


def test_the_right_strength(renderer, blurred):
    result, fault = check_scene(renderer, blurred)
    assert result.startswith(("1.000 ", "0.999 ", "1.001 "))
    assert fault is None


@pytest.mark.parametrize("stated", [10.0, 5.15])
def test_a_wrong_strength_is_said(renderer, blurred, stated):
    _, fault = check_scene(renderer, replace(blurred, blur_strength=stated))
    found = float(fault.split("stated, ")[1].split()[0])
    assert found == pytest.approx(5.0, rel=2e-3)


def test_what_cannot_be_checked(renderer, blurred):
    assert "no ground truth" in check_scene(renderer, replace(blurred, target=None))[1]
    assert "0 % of its stated radii" in check_scene(renderer, replace(blurred, blur_strength=1.0))[1]


def test_steps_are_kept_away_from_as_far_as_they_blur():
    defocus = np.full((9, 60), 4.0, np.float32)
    defocus[:, 20:] = -8.0
    away = away_from_steps(defocus)[4]
    # Steps are columns 19 and 20; the larger radius reaches 8 * 1.1 + 1 = 9.8 px.
    assert np.flatnonzero(~away).tolist() == list(range(19 - 9, 20 + 10))
    assert away_from_steps(np.linspace(0.0, 12.0, 60, dtype=np.float32) + np.zeros((9, 1), np.float32)).all()


def test_small_radii_tell_nothing():
    assert not compared(np.full((4, 4), 2.9, np.float32)).any()
    assert compared(np.full((4, 4), -3.1, np.float32)).all()


def test_command(capsys, monkeypatch, blurred, tmp_path):
    class Two:
        """A data set of a right and of a wrong scene."""

        def prepare(self):
            """Need nothing."""

        def scene_names(self):
            return ["right", "wrong", "bare"]

        def has_target(self, name):
            return name != "bare"

        def load(self, name):
            return replace(blurred, name=name, blur_strength=5.0 if name == "right" else 2.5 * 2.2)

    monkeypatch.setattr(check_blur_strength, "load_dataset", lambda name, root: Two())
    assert check_blur_strength.main(["--data-root", str(tmp_path), "--scenes", "right"]) == 0
    assert check_blur_strength.main(["--data-root", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out.count("fits best") == 3
    assert err.startswith("warning: wrong: 5.5 px per unit of disparity are stated, ")
