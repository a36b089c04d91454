import numpy as np
import pandas as pd
import pytest

from bokehbench.robustness.curves import Degradation, repeat_blind

SEVERITIES = [-10, -8, -4, 0, 4, 8]


def make_rows(scenes=9, renderers=("steady", "fragile"), severities=SEVERITIES, perturbation="erode"):
    generator = np.random.default_rng(0)
    rows = []
    for renderer in renderers:
        for scene in range(scenes):
            for severity in severities:
                slope = 0.4 if renderer == "fragile" else 0.05
                value = 30 + scene - slope * abs(severity) + generator.normal(0, 0.3)
                rows.append(
                    {
                        "scene": f"s{scene}",
                        "renderer": renderer,
                        "perturbation": perturbation if severity else "none",
                        "severity": severity,
                        "seed": 0,
                        "status": "ok",
                        "metrics": {"psnr": value, "lpips": -value},
                    }
                )
    return rows


def test_quartiles_and_drops_are_those_of_a_few_lines_of_pandas():
    rows = make_rows()
    frame = pd.DataFrame(rows)
    frame["psnr"] = [scores["psnr"] for scores in frame["metrics"]]
    for curve in Degradation(rows, "erode", "psnr", True).curves():
        table = frame[frame.renderer == curve.renderer].pivot(index="scene", columns="severity", values="psnr")
        drop = -table.sub(table[0], axis=0)
        for found, expected in ((curve.score, table), (curve.drop, drop)):
            quartiles = expected.quantile([0.25, 0.5, 0.75]).to_numpy()
            np.testing.assert_allclose([found.low, found.median, found.high], quartiles)


def test_drop_points_the_same_way_for_either_kind_of_metric():
    rows = make_rows()
    up, down = Degradation(rows, "erode", "psnr", True), Degradation(rows, "erode", "lpips", False)
    pd.testing.assert_frame_equal(up.drops["fragile"], down.drops["fragile"])
    assert (up.drops_at(8)["fragile"] > 1).all()


def test_mean_drop_is_the_area_over_the_axis():
    rows = make_rows(scenes=1, severities=[-2, 0, 4])
    for row, value in zip(rows[:3], [27.0, 30.0, 20.0], strict=True):
        row["metrics"]["psnr"] = value
    drops = Degradation(rows, "erode", "psnr", True).mean_drops()
    assert drops["steady"]["s0"] == pytest.approx((3 * 2 / 2 + 10 * 4 / 2) / 6)
    scores = Degradation(rows, "erode", "psnr", True).mean_scores()
    assert scores["steady"]["s0"] == pytest.approx(30 - drops["steady"]["s0"])


@pytest.mark.parametrize(
    ("severities", "marks"), [(SEVERITIES, [-8, 8]), ([0, 2, 8, 20], [8]), ([0, 1, 5], [5]), ([-40, 0, 20], [-40, 20])]
)
def test_drops_are_read_at_eight_or_at_the_ends(severities, marks):
    assert Degradation(make_rows(severities=severities), "erode", "psnr", True).marks() == marks


def test_the_unperturbed_case_stands_at_the_neutral_severity():
    rows = make_rows(severities=[0, 2, 4, 8], perturbation="zoom")
    found = Degradation(rows, "zoom", "psnr", True, 1.0, (4.0,))
    assert (found.severities, found.marks(), found.is_signed) == ([1, 2, 4, 8], [4], False)
    assert (found.drops["fragile"][1.0] == 0).all()
    expected = Degradation(rows, "zoom", "psnr", True).drops["fragile"]
    pd.testing.assert_frame_equal(found.drops["fragile"][[2.0, 4.0, 8.0]], expected[[2.0, 4.0, 8.0]])


def test_only_scenes_with_every_value_count_and_absent_renderers_cost_none():
    rows = make_rows(renderers=("steady", "fragile", "broken"))
    rows = [row for row in rows if (row["renderer"], row["severity"]) != ("broken", 8)]
    lost = next(row for row in rows if (row["renderer"], row["scene"], row["severity"]) == ("fragile", "s4", -4))
    lost |= {"status": "failed", "metrics": {}}
    undefined = next(row for row in rows if (row["renderer"], row["scene"], row["severity"]) == ("steady", "s2", 4))
    undefined["metrics"]["psnr"] = None
    found = Degradation(rows, "erode", "psnr", True)
    assert (found.renderers, found.incomplete, found.dropped_scenes) == (["steady", "fragile"], ["broken"], 2)
    assert set(found.mean_drops().index) == {f"s{n}" for n in range(9)} - {"s4", "s2"}


def test_blind_renderer_is_a_flat_line_from_one_row_a_scene():
    rows = make_rows(renderers=("steady", "fragile", "blind"))
    others = [row for row in rows if row["renderer"] != "blind"]
    once = [row for row in rows if row["renderer"] == "blind" and not row["severity"]]
    found = Degradation(repeat_blind([*others, *once], {"blind"}, "erode"), "erode", "psnr", True)
    assert (found.renderers, found.incomplete) == (["steady", "fragile", "blind"], [])
    assert (found.drops["blind"].to_numpy() == 0).all()
    assert found.scores_of("blind")[8.0].tolist() == [row["metrics"]["psnr"] for row in once]
    with_them_all = repeat_blind(rows, {"blind"}, "erode")  # as runs have them that were made before
    pd.testing.assert_frame_equal(Degradation(with_them_all, "erode", "psnr", True).scores, found.scores)
    assert repeat_blind(rows, set(), "erode") == rows


def test_two_seeds_of_a_case_are_averaged():
    rows = make_rows(scenes=3)
    again = [row | {"seed": 1, "metrics": {"psnr": row["metrics"]["psnr"] + 2}} for row in rows]
    once, twice = (Degradation(given, "erode", "psnr", True) for given in (rows, rows + again))
    pd.testing.assert_frame_equal(twice.scores, once.scores + 1)


def test_other_perturbations_and_nothing_at_all():
    assert Degradation(make_rows(perturbation="blur"), "erode", "psnr", True).severities == [0]
    empty = Degradation([], "erode", "psnr", True)
    assert (empty.curves(), empty.renderers) == ([], [])
    unperturbed_missing = [row for row in make_rows() if row["severity"]]
    assert Degradation(unperturbed_missing, "erode", "psnr", True).incomplete == ["steady", "fragile"]
