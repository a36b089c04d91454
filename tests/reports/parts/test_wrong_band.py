import numpy as np
import pandas as pd
import pytest

from bokehbench.benchmarks.run.row_files import read_rows
from bokehbench.reports.files.assets import Assets
from bokehbench.reports.parts.figures import _style
from bokehbench.reports.parts.wrong_band import describe_band, number_true_maps
from bokehbench.robustness.perturbations.registry import load_perturbation

from ..conftest import WRONG_BAND


def test_means_stand_in_the_table_and_in_the_csv(swept_folder, swept_report):
    stored = read_rows(swept_folder).values()
    inside = [row["wrong_band"]["inside"] for row in stored if row["key"].endswith("/steady/erode-8")]
    parts = (inside, [42.0] * 8)
    whole, best = (-10 * np.log10(0.2 * 10 ** -(np.array(one) / 10) + 0.8 * 10**-4.5) for one in parts)
    table = pd.read_csv(swept_report / "assets/tables/wrong-band-1.csv").set_index(["renderer", "severity"])
    assert sorted(table.index.unique("severity")) == [-8, -4, 4, 8]
    line = table.loc["steady", 8]
    assert line["inside"] == pytest.approx(np.mean(inside))
    assert line["whole"] == pytest.approx(whole.mean())
    assert line["lost_inside"] == pytest.approx((best - whole).mean())
    text = (swept_report / "robustness.html").read_text(encoding="utf-8")
    assert "psnr within the wrong band (dB) along erode (px): median and quartile band of steady, fragile" in text
    assert f">{line['lost_inside']:.2f}<" in text
    assert "\N{MINUS SIGN}0.00" not in text
    assert WRONG_BAND["share"] == line["share"]


@pytest.mark.parametrize("count", [1, 7, 8, 14])
def test_no_renderers_line_looks_like_anothers_from_the_true_map(count):
    styles = {f"r{number}": number for number in range(count)}
    true = number_true_maps(styles, list(styles))
    assert len({str(_style(number)) for number in [*styles.values(), *true.values()]}) == 2 * count
    for name, number in styles.items():
        look = _style(true[f"{name}, true map"])
        assert (look["color"], look["markerfacecolor"]) == (_style(number)["color"], "none")
        assert look["linestyle"] != "-"


def test_what_a_sweep_cannot_say_is_explained(swept_run, tmp_path):
    def describe(name, *, known):
        return describe_band(swept_run.sweep, load_perturbation(name), Assets(tmp_path), {}, "1", true_disparity=known)

    assert "Not measured yet: give the command of the sweep again" in describe("erode", known=True).reason
    assert "n/a: the disparity of this data set is estimated" in describe("erode", known=False).reason
    assert describe("zoom-both", known=True) is None
