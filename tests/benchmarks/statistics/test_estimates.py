import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bokehbench.benchmarks.statistics.estimates import estimate_quartile_width, rank_renderers
from bokehbench.benchmarks.statistics.resampling import Interval


def one_cluster_a_scene(scores):
    return {scene: scene for scene in scores.index}


def width(interval):
    return interval.high - interval.low


def by_name(ranking):
    return {score.renderer: score for score in ranking.scores}


def paired_scores(scenes=40, gap=0.5, noise=0.2, seed=0):
    """Renderers b and a, a better by ``gap``, on scenes that differ far more than the renderers do."""
    generator = np.random.default_rng(seed)
    hardness = generator.normal(30.0, 5.0, scenes)
    return pd.DataFrame(
        {"b": hardness, "a": hardness + gap + generator.normal(0, noise, scenes)},
        index=[f"scene{number}" for number in range(scenes)],
    )


def test_means_order_and_differences():
    scores = pd.DataFrame({"low": [1.0, 3.0], "high": [5.0, 6.0], "middle": [4.0, 4.0]}, index=["x", "y"])
    ranking = rank_renderers(scores, one_cluster_a_scene(scores), higher_is_better=True)
    assert [(s.renderer, s.mean, s.difference) for s in ranking.scores] == [
        ("high", 5.5, 0.0),
        ("middle", 4.0, -1.5),
        ("low", 2.0, -3.5),
    ]
    assert ranking.best == "high"
    assert by_name(ranking)["high"].difference_interval is None
    assert rank_renderers(scores, one_cluster_a_scene(scores), higher_is_better=False).best == "low"


def test_a_constant_gap_has_an_interval_without_width():
    scores = pd.DataFrame({"a": np.arange(10.0)})
    scores["b"] = scores["a"] - 2.0
    worse = by_name(rank_renderers(scores, one_cluster_a_scene(scores), higher_is_better=True))["b"]
    assert worse.difference_interval.low == pytest.approx(-2.0)
    assert worse.difference_interval.high == pytest.approx(-2.0)


def test_identical_renderers_differ_by_exactly_nothing():
    scores = pd.DataFrame({"a": np.arange(10.0), "b": np.arange(10.0)})
    ranking = rank_renderers(scores, one_cluster_a_scene(scores), higher_is_better=True)
    assert ranking.scores[1].difference_interval == Interval(0.0, 0.0)


def test_many_scenes_give_students_interval():
    scores = paired_scores(scenes=300)
    interval = by_name(rank_renderers(scores, one_cluster_a_scene(scores), higher_is_better=True))["b"].interval
    values = scores["b"].to_numpy()
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    assert interval.low == pytest.approx(low, abs=0.03)
    assert interval.high == pytest.approx(high, abs=0.03)


def test_pairing_tells_apart_what_separate_intervals_cannot():
    scores = paired_scores()
    ranking = rank_renderers(scores, one_cluster_a_scene(scores), higher_is_better=True)
    best, worse = ranking.scores
    assert best.renderer == "a"
    assert best.interval.low < worse.interval.high
    assert width(worse.difference_interval) < width(worse.interval) / 10
    assert 0.0 not in worse.difference_interval


def test_copies_of_a_scene_add_nothing_once_they_are_clustered():
    scores = paired_scores(scenes=12)
    copies = pd.concat([scores.set_axis([f"{name}/{copy}" for name in scores.index]) for copy in range(5)])
    clusters = {name: name.partition("/")[0] for name in copies.index}
    once = rank_renderers(scores, one_cluster_a_scene(scores), higher_is_better=True)
    clustered = rank_renderers(copies, clusters, higher_is_better=True)
    naive = rank_renderers(copies, one_cluster_a_scene(copies), higher_is_better=True)
    assert (once.clusters, clustered.clusters, clustered.scenes, naive.clusters) == (12, 12, 60, 60)
    for name in ("a", "b"):
        expected = by_name(once)[name].interval
        assert by_name(clustered)[name].interval.low == pytest.approx(expected.low)
        assert by_name(clustered)[name].interval.high == pytest.approx(expected.high)
        assert width(by_name(naive)[name].interval) < width(expected) / 1.8


def test_the_mean_weighs_scenes_and_not_clusters():
    scores = pd.DataFrame({"a": [0.0, 0.0, 0.0, 4.0]})
    ranking = rank_renderers(scores, {0: "x", 1: "x", 2: "x", 3: "y"}, higher_is_better=True)
    assert ranking.scores[0].mean == 1.0


@pytest.mark.parametrize("scenes", [8, 30])
def test_intervals_cover_the_truth_as_often_as_they_say(scenes):
    generator = np.random.default_rng(11)
    columns = 600  # as many experiments, one column each
    scores = pd.DataFrame(generator.normal(1.0, 2.0, (scenes, columns)))
    ranking = rank_renderers(scores, one_cluster_a_scene(scores), higher_is_better=True, resamples=2000)
    covered = np.mean([1.0 in score.interval for score in ranking.scores])
    assert 0.925 < covered < 0.98


def test_the_seed_alone_decides_the_resamples():
    scores = paired_scores()
    clusters = one_cluster_a_scene(scores)
    first = rank_renderers(scores, clusters, higher_is_better=True)
    assert first == rank_renderers(scores, clusters, higher_is_better=True)
    assert first != rank_renderers(scores, clusters, higher_is_better=True, seed=1)
    alone = rank_renderers(scores[["b"]], clusters, higher_is_better=True)
    assert alone.scores[0].interval.low == pytest.approx(by_name(first)["b"].interval.low)


def test_only_scenes_that_everyone_finished_count():
    scores = pd.DataFrame(
        {"a": [10.0, 20.0, np.nan, np.nan], "b": [11.0, 21.0, 1.0, np.nan], "broken": [np.nan] * 4}, index=list("wxyz")
    )
    ranking = rank_renderers(scores, one_cluster_a_scene(scores), higher_is_better=True)
    assert (ranking.scenes, ranking.dropped_scenes, ranking.unscored) == (2, 1, ("broken",))
    assert [(s.renderer, s.mean) for s in ranking.scores] == [("b", 16.0), ("a", 15.0)]


def test_no_common_scene_is_said_and_not_raised():
    scores = pd.DataFrame({"a": [1.0, np.nan], "b": [np.nan, 1.0]})
    ranking = rank_renderers(scores, {0: 0, 1: 1}, higher_is_better=True)
    assert (ranking.scores, ranking.best, ranking.dropped_scenes) == ((), None, 2)
    assert "no scene" in ranking.warning
    assert rank_renderers(pd.DataFrame(), {}, higher_is_better=True).best is None


@pytest.mark.parametrize(("clusters", "warning"), [(1, "no interval"), (5, "only 5"), (6, None)])
def test_few_independent_scenes_come_with_a_warning(clusters, warning):
    scores = pd.DataFrame({"a": np.arange(12.0), "b": np.arange(12.0) ** 2})
    ranking = rank_renderers(scores, scores.index.to_series() % clusters, higher_is_better=True)
    assert ranking.warning is None if warning is None else warning in ranking.warning
    assert (ranking.scores[0].interval is None) == (clusters == 1)
    assert (ranking.scores[1].difference_interval is None) == (clusters == 1)


def test_quartile_width_is_that_of_the_scenes_and_its_interval_covers_the_truth():
    generator = np.random.default_rng(5)
    truth = 2 * stats.norm.ppf(0.75)
    covered = []
    for _ in range(150):
        scores = pd.DataFrame(generator.normal(size=(60, 1)))
        estimate = estimate_quartile_width(scores, one_cluster_a_scene(scores), resamples=500)
        assert estimate.value == pytest.approx(stats.iqr(scores[0]))
        covered.append(truth in estimate.interval)
    assert 0.9 < np.mean(covered) < 0.995
