"""The sentence that the list of runs has of a table says no more than the table's own tests."""

import numpy as np
import pandas as pd
import pytest

from bokehbench.reports.parts.tables import build_table
from bokehbench.reports.parts.verdicts import write_verdict

METRICS = {
    "psnr": {"unit": "dB", "higher_is_better": True, "description": "", "available": True, "reason": None},
    "gone": {"unit": "", "higher_is_better": True, "description": "", "available": False, "reason": "none"},
}


def verdict(gaps, scenes, clusters=None, metrics=METRICS):
    generator = np.random.default_rng(0)
    values = pd.DataFrame(generator.normal(30.0, 0.2, (scenes, len(gaps))) + list(gaps.values()), columns=list(gaps))
    rows = [
        {
            "scene": f"s{number}", "renderer": name, "status": "ok", "metrics": {"psnr": values[name][number]},
            "seed": 0, "weights": None, "seconds": 0.1, "dataset": "pairs",
        }
        for name in gaps
        for number in range(scenes)
    ]  # fmt: skip
    units = {f"s{n}": str(n % clusters if clusters else n) for n in range(scenes)}
    return write_verdict(build_table(rows, list(gaps), metrics, units), "pairs")


def test_clear_winner():
    assert verdict({"a": 0.0, "b": 3.0}, 12).endswith(" dB, and is distinguishable from every other.")
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
