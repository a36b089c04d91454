"""The device's march, here on the CPU, against the CPU's own; its timing runs."""

import torch

from bokehbench.benchmarks.gpu import march
from bokehbench.benchmarks.latency.repeats import RepeatRule

CPU = torch.device("cpu")


def test_plan_and_highlights_agree():
    assert march.count_other_plans(CPU) == 0
    assert march.error_of_highlights(CPU) < 1e-6


def test_an_error_is_seen(monkeypatch):
    right = march.plan_on_device
    monkeypatch.setattr(march, "plan_on_device", lambda defocus, edges: right(1.2 * defocus, edges))
    assert march.count_other_plans(CPU) > 0


def test_highlights_are_there():
    one = march.lamps()
    assert len(one.highlights.rows) == 5
    assert one.defocus.max() > 2.0


def test_time(monkeypatch):
    monkeypatch.setattr(march.importlib.util, "find_spec", lambda name: None)
    found = march.time_march(2.0, CPU, side=16, rule=RepeatRule(least=2, most=2))
    assert (found["side"], found["radius_px"], list(found["calls"])) == (16, 2.0, ["march"])
