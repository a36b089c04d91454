import json

import numpy as np
import pytest

from bokehbench.benchmarks import fit_blur_strength
from bokehbench.benchmarks.fit_blur_strength import _vertex, main
from bokehbench.datasets.catalogue import load_dataset

STRENGTH = 9.0


@pytest.fixture
def root(tmp_path, miniatures, monkeypatch):
    """Three pairs outside EBB's split, blurred by a known strength and darker; one scored pair, blurred otherwise."""
    monkeypatch.setattr(fit_blur_strength, "STEPS", 9)
    for number in (10, 20, 30):
        made = miniatures.make_blurred(64, 80, strength=STRENGTH, seed=number, gain=0.9)
        miniatures.write_ebb_pair(tmp_path / "ebb", number, made)
    miniatures.write_ebb_pair(tmp_path / "ebb", 4400, miniatures.make_blurred(64, 80, strength=3.0))
    return tmp_path


def test_the_strength_that_was_rendered_is_found_and_used(root, capsys) -> None:
    assert main(["ebb", "--data-root", str(root), "--strongest", "20"]) == 0
    stored = json.loads((root / "ebb/blur_strength.json").read_text())
    assert stored["blur_strength"] == pytest.approx(STRENGTH, abs=1.0)
    assert stored["fitted_on"] == ["10", "20", "30"]
    assert stored["psnr_db"] > 25.0
    assert "fitted with `classical` on 3 pairs" in capsys.readouterr().out
    assert load_dataset("ebb", root).load("4400").blur_strength == stored["blur_strength"]


def test_realbokeh_is_fitted_on_the_widest_aperture_of_other_splits(tmp_path, miniatures, monkeypatch) -> None:
    monkeypatch.setattr(fit_blur_strength, "STEPS", 9)
    made = {f: miniatures.make_blurred(64, 80, strength=2.0 * STRENGTH / f) for f in (2.8, 8.0)}
    for split in ("validation", "test"):
        miniatures.write_realbokeh_scene(tmp_path / "realbokeh", split, 3, made)
    assert main(["realbokeh", "--data-root", str(tmp_path), "--strongest", "20"]) == 0
    stored = json.loads((tmp_path / "realbokeh/blur_strength.json").read_text())
    assert stored["blur_strength"] == pytest.approx(STRENGTH, abs=1.0)  # at f/2.0, from a picture at f/2.8
    assert stored["fitted_on"] == ["validation-3-f2.8"]


def test_a_strength_may_be_given(root) -> None:
    assert main(["ebb-exposure-aligned", "--data-root", str(root), "--set", "17.5"]) == 0
    dataset = load_dataset("ebb", root)
    assert dataset.load("4400").blur_strength == 17.5
    assert "17.5 px per unit of scaled disparity (given)" in dataset.protocol


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ebb", "--data-root", "{root}", "--strongest", "5"], "the best strength is at the end: raise it"),
        (["ebb", "--data-root", "{root}", "--pairs", "0"], "--pairs of at least 1"),
        (["ebb", "--data-root", "{root}", "--set", "-1"], "--set -1: expected a number above 0"),
        (["ebb", "--data-root", "{root}", "--strongest", "nan"], "--strongest above 0"),
        (["motorcycle"], "says its own blur strength"),
        (["realbokeh", "--data-root", "{root}"], "no such folder"),
    ],
)
def test_mistakes_are_one_line(root, capsys, arguments, message) -> None:
    assert main([argument.format(root=root) for argument in arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (root / "ebb/blur_strength.json").exists()


def test_without_held_out_disparity_the_command_is_named(root, capsys) -> None:
    for number in (10, 20, 30):
        (root / f"ebb/disparity/{number}.npy").unlink()
    assert main(["ebb", "--data-root", str(root)]) == 2
    assert "python -m bokehbench.datasets.pairs.estimate_disparity ebb" in capsys.readouterr().err


def test_inverted_disparity_is_told(root, capsys) -> None:
    """Sharp pairs: nothing is blurred, and no strength above 0 is right."""
    for number in (10, 20, 30):
        target = root / f"ebb/bokeh/{number}.jpg"
        target.write_bytes((root / f"ebb/original/{number}.jpg").read_bytes())
    assert main(["ebb", "--data-root", str(root), "--strongest", "20"]) == 2
    assert "no blur at all fits best" in capsys.readouterr().err


def test_the_vertex_is_that_of_the_parabola() -> None:
    x = np.array([2.0, 4.0, 6.0])
    assert _vertex(x, 5.0 - 0.3 * (x - 4.7) ** 2) == pytest.approx((4.7, 5.0))
    assert _vertex(x, np.ones(3)) == (4.0, 1.0)
