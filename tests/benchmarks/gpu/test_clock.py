"""Calls are timed by turns; on CUDA, here a stand-in, between events on an idle device."""

from types import SimpleNamespace

import torch

from bokehbench.benchmarks.gpu import clock
from bokehbench.benchmarks.latency.repeats import RepeatRule


def test_calls_take_turns():
    order = []
    calls = {name: lambda name=name: order.append(name) for name in "ab"}
    found = clock.time_interleaved(calls, torch.device("cpu"), RepeatRule(least=3, most=3))
    assert order == [*"aabb", *"ababab"], "compiled, measured for memory, then by turns"
    assert list(found["calls"]) == ["a", "b"]
    assert found["calls"]["a"]["spread"]["repeats"] == 3


def test_on_cuda_time_is_between_events(monkeypatch):
    seen = []

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self):
            seen.append("event")

        def elapsed_time(self, end):
            return 250.0

    stand_in = SimpleNamespace(Event=Event, synchronize=lambda device: seen.append("wait"))
    monkeypatch.setattr(torch, "cuda", stand_in)
    assert clock.seconds_of(lambda: seen.append("call"), torch.device("cuda")) == 0.25
    assert seen == ["wait", "event", "call", "event", "wait"]
