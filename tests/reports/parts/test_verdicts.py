"""The sentence that the list of runs has of a table says no more than the table's own tests."""

import re

import numpy as np
import pandas as pd
import pytest

from bokehbench.reports.parts.tables import build_table
from bokehbench.reports.parts.verdicts import write_verdict

METRICS = {
    "psnr": {"unit": "dB", "higher_is_better": True, "description": "", "available": True, "reason": None},
    "gone": {"unit": "", "higher_is_better": True, "description": "", "available": False, "reason": "none"},
}


def draw(gaps, scenes):
    generator = np.random.default_rng(0)
    return pd.DataFrame(generator.normal(30.0, 0.2, (scenes, len(gaps))) + list(gaps.values()), columns=list(gaps))


def verdict(gaps, scenes, clusters=None, metrics=METRICS):
    return judge(draw(gaps, scenes), clusters, metrics)


def judge(values, clusters=None, metrics=METRICS):
    gaps, scenes = list(values), len(values)
    rows = [
        {
            "scene": f"s{number}", "renderer": name, "status": "ok", "metrics": {"psnr": values[name][number]},
            "seed": 0, "weights": None, "seconds": 0.1, "dataset": "pairs",
        }
        for name in gaps
        for number in range(scenes)
    ]  # fmt: skip
    units = {f"s{n}": str(n % clusters if clusters else n) for n in range(scenes)}
    return write_verdict(build_table(rows, gaps, metrics, units), "pairs")


def test_clear_winner():
    assert verdict({"a": 0.0, "b": 3.0}, 12).endswith(" ahead of a, and is distinguishable from it.")
    assert verdict({"a": 0.0, "b": 3.0, "c": 0.1}, 12).endswith(", and is distinguishable from every other.")
    assert verdict({"a": 0.0, "b": 3.0}, 12).startswith("pairs: b has the best mean psnr, 3")


def test_tied_renderers_are_named_and_no_others():
    assert verdict({"a": 0.01, "b": 0.0, "c": -5.0}, 12).partition("; ")[2] in (
        "not distinguishable from it: b.",
        "not distinguishable from it: a.",
    )


@pytest.mark.parametrize(("scenes", "clusters"), [(2, None), (5, None), (12, 4)])
def test_too_few_scenes_tell_nothing(scenes, clusters):
    text = verdict({"a": 0.0, "b": 3.0}, scenes, clusters)
    assert text.endswith("too few scenes to tell whether any other differs from it.")


def test_one_renderer_or_no_metric_is_no_contest():
    assert "best" not in verdict({"a": 0.0}, 12)
    assert verdict({"a": 0.0, "b": 1.0}, 12, metrics={"gone": METRICS["gone"]}) == "pairs: no metric was computed."


@pytest.mark.parametrize("up", [True, False])
def test_the_lead_over_the_next_is_a_paired_difference_with_its_interval(up):
    values = draw({"a": 0.0, "b": 3.0 if up else -3.0, "c": -5.0 if up else 5.0}, 12)
    text = judge(values, metrics={"psnr": METRICS["psnr"] | {"higher_is_better": up}})
    found = re.search(r" dB, (.+) dB \(95 %: (.+) to (.+)\) ahead of (\w), and is", text)
    by, low, high = map(float, found.groups()[:3])
    gaps = (values["b"] - values["a"]) * (1 if up else -1)
    assert by == pytest.approx(gaps.mean(), abs=0.006)
    error = 2.2 * gaps.std(ddof=1) / 12**0.5  # Student's t with 11 degrees of freedom, roughly
    assert (low, high) == pytest.approx((by - error, by + error), abs=0.06)
    assert found[4] == "a"


def test_a_lead_that_is_not_distinguishable_has_an_interval_around_none():
    text = verdict({"a": 0.01, "b": 0.0, "c": -5.0}, 12)
    low, high = re.search(r"\(95 %: (.+) to (.+)\) ahead of [ab]; not distinguishable from it: [ab]\.$", text).groups()
    assert low.startswith("\N{MINUS SIGN}")
    assert float(high) > 0


def test_equal_means_are_no_lead_and_a_small_one_is_not_written_as_none():
    values = draw({"a": 0.0, "c": -5.0}, 12)
    equal = values.assign(b=values["a"])
    assert re.search(r"dB, as has b; c is distinguishable from them\.$", judge(equal))
    assert re.search(r"dB, as has b\.$", judge(equal.drop(columns="c")))
    near = equal.assign(c=draw({"c": 0.0}, 12)["c"] - 0.01 + np.tile([0.3, -0.3], 6))
    assert re.search(r"; not distinguishable from (it: a, b|them: c)\.$", judge(near))
    close = values.assign(b=values["a"] + 0.001)
    assert "dB, less than 0.01 dB (95 %: 0.00 to 0.00) ahead of a, and is" in judge(close)


def test_where_scenes_are_too_few_the_lead_has_no_interval():
    assert re.search(r"dB, \d\.\d\d dB ahead of a; too few scenes", verdict({"a": 0.0, "b": 3.0}, 5))
