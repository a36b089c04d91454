"""Marks of a table and verdicts of the table beside it come from the same tests."""

import numpy as np
import pandas as pd
import pytest

from bokehbench.benchmarks.statistics.significance import PairedTest
from bokehbench.reports.parts.cells import Measure, compare_measures, judge

RENDERERS = ["a", "b", "c", "d", "e"]


def make_measure(generator, scenes, higher, gaps=None):
    hardness = generator.normal(30.0, 5.0, (scenes, 1))
    gaps = generator.choice([0.0, 0.3, 0.6, 0.9], len(RENDERERS)) if gaps is None else gaps
    noise = generator.normal(0.0, 1.0, (scenes, len(RENDERERS)))
    values = pd.DataFrame(hardness + gaps + noise, columns=RENDERERS, index=[f"s{n}" for n in range(scenes)])
    return Measure("m", "dB", higher, "", values)


def compare(measure, reference, clusters=None):
    clusters = clusters or {scene: scene for scene in measure.values.index}
    return compare_measures([measure], RENDERERS, clusters, reference, dict.fromkeys(RENDERERS, 1))


@pytest.mark.parametrize("higher", [True, False])
@pytest.mark.parametrize("scenes", [1, 5, 9, 25])
def test_marks_and_verdicts_agree(scenes, higher):
    """Against whichever reference: who is marked as hardly worse than the best is no other's verdict."""
    generator = np.random.default_rng(scenes)
    seen = set()
    lost, won = ("worse", "better") if scenes > 8 else ["too few scenes"] * 2
    for _ in range(5):
        measure = make_measure(generator, scenes, higher)
        grids = {reference: compare(measure, reference) for reference in RENDERERS}
        best = next(name for name, cells in grids["a"].cells.items() if cells[0].standing == "best")
        for reference, grid in grids.items():
            verdicts = {line.renderer: line.verdict for line in grid.tests}
            if reference == best:
                marks = {name: grid.cells[name][0].standing for name in verdicts}
                assert verdicts == {
                    name: {"tied": "not distinguishable", "": lost}[mark] for name, mark in marks.items()
                }
            else:
                mark = grid.cells[reference][0].standing
                assert verdicts[best] == {"tied": "not distinguishable", "": won}[mark]
                seen.add(mark)
    assert seen == ({"", "tied"} if scenes > 8 else {""})


def test_scenes_of_a_cluster_count_once_for_marks_too():
    measure = make_measure(np.random.default_rng(0), 40, True, [0.0, 0.0, 0.5, 1.0, 2.0])
    alone, clustered = compare(measure, "a"), compare(measure, "a", {f"s{n}": str(n % 4) for n in range(40)})
    assert "" in {cells[0].standing for cells in alone.cells.values()}
    assert {cells[0].standing for cells in clustered.cells.values()} == {"best", ""}
    assert {line.verdict for line in clustered.tests} == {"too few scenes"}
    assert any("4 independent scenes are too few" in warning for warning in clustered.warnings)


def test_a_renderer_alone_is_not_the_best():
    measure = Measure("m", "dB", True, "", pd.DataFrame({"a": [1.0, 2.0]}, index=["s0", "s1"]))
    grid = compare_measures([measure], ["a"], {"s0": "s0", "s1": "s1"}, "a", {"a": 2})
    assert grid.cells["a"][0].standing == ""
    assert grid.tests == []


def test_renderers_of_equal_means_are_all_the_best():
    measure = make_measure(np.random.default_rng(0), 12, True, [0.0, 0.0, 0.0, -9.0, -9.0])
    values = measure.values.assign(b=measure.values["a"], c=measure.values["a"])
    grid = compare(Measure("m", "dB", True, "", values), "a")
    assert [grid.cells[name][0].standing for name in RENDERERS] == ["best", "best", "best", "", ""]


@pytest.mark.parametrize("higher", [True, False])
def test_verdict_points_where_the_tested_mean_does(higher):
    """Many small losses and a few large gains: the ranks say worse, the mean, which is tested, says better."""
    generator = np.random.default_rng(3)
    test = PairedTest(
        renderer="a", difference=1.0, interval=None, p_value=0.01, adjusted=0.01, gain=0.4, effect=-0.2, win_rate=0.3
    )
    assert judge(test, can_decide=True, known=True) == "better"
    verdicts = set()
    for _ in range(60):
        values = generator.normal(0.3, 1.0, (40, 2)) ** 3
        frame = pd.DataFrame(values, columns=["a", "b"], index=[f"s{n}" for n in range(40)])
        grid = compare_measures(
            [Measure("m", "", higher, "", frame)], ["a", "b"], {s: s for s in frame.index}, "a", {"a": 40, "b": 40}
        )
        (line,) = grid.tests
        verdicts.add(line.verdict)
        if line.verdict in ("better", "worse"):
            assert (line.test.difference > 0) == ((line.verdict == "better") == higher)
    assert verdicts & {"better", "worse"}, "the check above says something"


def test_two_that_are_equal_to_the_bit_are_equal_however_few_the_scenes_are():
    for scenes in (1, 12):
        values = pd.DataFrame({"a": np.arange(scenes) / 7.0}, index=[f"s{n}" for n in range(scenes)])
        values["b"], values["c"] = values["a"], values["a"] - 1.0
        clusters, counts = {scene: scene for scene in values.index}, dict.fromkeys("abc", scenes)
        grid = compare_measures([Measure("m", "dB", True, "", values)], list("abc"), clusters, "a", counts)
        verdicts = {line.renderer: line.verdict for line in grid.tests}
        assert verdicts["b"] == "equal"
        assert verdicts["c"] == ("worse" if scenes == 12 else "too few scenes")


def test_one_scene_is_too_few():
    measure = Measure("m", "dB", True, "", pd.DataFrame({"a": [1.0], "b": [2.0]}, index=["s0"]))
    assert (
        "1 independent scene is too few: the sign-flip test cannot find any difference at 5 %."
        in compare_measures([measure], ["a", "b"], {"s0": "s0"}, "a", {"a": 1, "b": 1}).warnings
    )
