import numpy as np
import pandas as pd

from bokehbench.reports.parts.cells import Measure
from bokehbench.reports.parts.extremes import find_extremes


def measure(values, higher_is_better=True):
    return Measure("m", "dB", higher_is_better, "", pd.DataFrame(values))


def test_extremes_are_relative_to_the_others():
    """Scene 0 is hard for everyone, scene 3 easy for everyone: neither says anything about a renderer."""
    hardness = np.array([10.0, 20, 20, 40, 20, 20])
    values = {"a": hardness + np.array([0, 5, -5, 0, 1, -1]), "b": hardness, "c": hardness}
    extremes = find_extremes(measure(values))
    assert extremes["a"] == (["2", "5"], ["1", "4"])
    assert extremes["b"] == (["1", "4"], ["2", "5"])
    worse = find_extremes(measure(values, higher_is_better=False))
    assert worse["a"] == (["1", "4"], ["2", "5"])


def test_alone_a_renderer_is_ranked_by_its_scores():
    assert find_extremes(measure({"a": [3.0, 1, 2, 5], "broken": [np.nan] * 4})) == {"a": (["1", "2"], ["3", "0"])}


def test_a_scene_is_never_both():
    assert find_extremes(measure({"a": [3.0, 1, 2]})) == {"a": (["1"], ["0"])}
    assert find_extremes(measure({"a": [3.0]})) == {"a": ([], [])}


def test_cases_are_shown_with_their_pictures(typical_report):
    page = (typical_report / "index.html").read_text(encoding="utf-8")
    assert page.count("worst-case") == page.count("best-case") == 2
    assert "against plain</" in page
    assert "against fancy</" in page
    assert "the others" not in page
