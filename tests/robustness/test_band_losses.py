import numpy as np
import pytest

from bokehbench.robustness.band_losses import BandLosses

from ..stored_records import row


def case(renderer, scene, severity, inside, true_inside, share=0.25, outside=40.0):
    band = {"inside": inside, "true_inside": true_inside, "outside": outside, "true_outside": 41.0, "share": share}
    values = {"perturbation": "erode", "severity": severity, "renderer": renderer, "scene": scene}
    return row(f"{renderer}{scene}{severity}", **values, wrong_band=band)


def test_losses_within_and_outside_add_up_to_the_drop():
    found = BandLosses([case("a", "s", 4, 20.0, 30.0), case("a", "t", 4, 22.0, 31.0)], "erode")
    one = found.values.set_index("scene").loc["s"]

    def whole(inside, outside):
        return -10 * np.log10(0.25 * 10 ** (-inside / 10) + 0.75 * 10 ** (-outside / 10))

    assert one["whole"] == pytest.approx(whole(20.0, 40.0))
    assert one["best"] == pytest.approx(whole(30.0, 40.0))
    assert one["lost_inside"] + one["lost_outside"] == pytest.approx(whole(30.0, 41.0) - whole(20.0, 40.0))
    assert found.means().loc[(4, "a"), "inside"] == 21.0
    assert found.quartiles("a", "true_inside").T.tolist() == [[30.25, 30.5, 30.75]]


def test_scenes_that_a_renderer_lacks_at_a_severity_are_left_out_of_all():
    rows = [case(r, s, e, 20.0 + e, 30.0) for r in "ab" for s in "st" for e in (-4, 4)]
    found = BandLosses(rows[:-1], "erode")
    assert (found.scenes, found.dropped_scenes, found.severities) == (1, 1, [-4, 4])
    assert found.renderers == ["a", "b"]


def test_a_part_without_pixels_has_no_score_and_costs_nothing():
    found = BandLosses([case("a", "s", 4, None, None, share=0.0)], "erode")
    one = found.values.iloc[0]
    assert np.isnan(one["inside"])
    assert (one["whole"], one["lost_inside"]) == (pytest.approx(40.0), 0.0)
    assert np.isnan(found.quartiles("a", "inside")).all()


def test_rows_without_bands_give_none():
    found = BandLosses([row("k", perturbation="erode", severity=4)], "erode")
    assert (found.scenes, found.severities, found.renderers) == (0, [], [])
