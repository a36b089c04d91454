"""What is timed on CUDA, here a stand-in: the render alone, on an idle device."""

from types import SimpleNamespace

import torch

from bokehbench.benchmarks.latency import probe
from bokehbench.core.timing import stage


def test_on_cuda_only_the_render_lies_between_the_events(monkeypatch):
    """Neither what is forgotten, nor the scene's way to the card, nor the checks."""
    seen = []

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self, stream=None):
            seen.append("event" if stream is None else stream)

        def elapsed_time(self, end):
            return 125.0

    class OnCard:
        device = torch.device("cuda")
        cost = None

        def forget(self):
            seen.append("forget")

        def render_accepted(self, scene):
            with stage("scatter"):
                seen.append(scene)

    wait = SimpleNamespace(
        Event=Event, synchronize=lambda device: seen.append("wait"), current_stream=lambda device: "stage"
    )
    monkeypatch.setattr(torch, "cuda", wait)
    found = probe._time_once(OnCard(), "scene on the card")
    assert seen == ["forget", "wait", "event", "stage", "scene on the card", "stage", "event", "wait", "wait"]
    assert found.seconds == found.device == 0.125
    assert found.stages == {"scatter": 0.125}
