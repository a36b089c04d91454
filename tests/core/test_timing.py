"""Stages: nothing without a clock, nested times counted once, whatever the renderer does inside."""

import time

import pytest
import torch

from bokehbench.core import timing as stages
from bokehbench.core.timing import StageClock, stage, staged
from bokehbench.renderers.registry import load_renderer

CPU = torch.device("cpu")


class Ticks:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def ticks(monkeypatch):
    clock = Ticks()
    monkeypatch.setattr(stages, "time", clock)
    return clock


def test_nested_stages_are_counted_once(ticks):
    with StageClock(CPU) as clock:
        for _ in range(2):
            with stage("outer"):
                ticks.now += 1.0
                with stage("inner"):
                    ticks.now += 10.0
                ticks.now += 0.5
        ticks.now += 100.0
    assert clock.seconds() == {"outer": 3.0, "inner": 20.0}


def test_stage_that_fails_is_closed(ticks):
    @staged("broken")
    def fail():
        ticks.now += 1.0
        raise ValueError

    with StageClock(CPU) as clock:
        with pytest.raises(ValueError):  # noqa: PT011
            fail()
        with stage("next"):
            ticks.now += 2.0
    assert clock.seconds() == {"broken": 1.0, "next": 2.0}


def test_no_clock_no_marks():
    with StageClock(CPU) as clock:
        pass
    with stage("later"):
        pass
    assert clock.seconds() == {}


def test_stage_without_clock_is_free():
    start = time.perf_counter()
    for _ in range(10_000):
        with stage("nothing"):
            pass
    assert time.perf_counter() - start < 1.0, "0.003 s on an idle machine"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("classical", ["to linear light", "scatter", "to display"]),
        ("classical-occlusion", ["to linear light", "scatter", "separate surfaces", "march rays", "to display"]),
    ],
)
def test_renderers_name_their_stages(make_scene, name, expected):
    renderer = load_renderer(name)
    renderer.prepare()
    start = time.perf_counter()
    with StageClock(CPU) as clock:
        renderer.render(make_scene())
    seconds = clock.seconds()
    assert list(seconds) == expected
    assert 0 < sum(seconds.values()) < time.perf_counter() - start
