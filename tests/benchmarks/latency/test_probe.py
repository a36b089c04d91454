"""What is timed on CUDA, here a stand-in: the render alone, on an idle device."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch

from bokehbench.benchmarks.latency import probe
from bokehbench.benchmarks.latency.repeats import RepeatRule
from bokehbench.benchmarks.latency.session import Point, measure_apart
from bokehbench.core.timing import stage
from bokehbench.renderers.identity import IdentityRenderer
from bokehbench.renderers.interface import Cost


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
        name = "on-card"
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


def test_what_another_process_takes_is_its_processor_time_and_no_memory_of_this_one():
    class Apart(IdentityRenderer):
        def _render(self, scene, seed):
            subprocess.run(["/bin/sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"], check=True)
            self.cost = Cost(7.0, None)
            return scene.image

    point = probe.Point(renderer="x", weights=None, device="cpu", dtype="float32", height=32, width=32, radius_px=4.0)
    found = probe.measure_point(point, Apart(), RepeatRule(fewest=1, least=1, most=1))
    assert found["spread"]["median"] == 7.0
    assert found["cpu_seconds"] > 0.03
    assert found["memory"] == {"added_mb": None, "resident_mb": None}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_what_a_render_forks_ends_with_it_and_forks_nothing_in_turn(tmp_path):
    class Forking(IdentityRenderer):
        def _render(self, scene, seed):
            with (tmp_path / "renders").open("a") as file:
                file.write("one\n")
            child = os.fork()
            if child:
                os.waitpid(child, 0)
            return scene.image

    point = probe.Point(renderer="x", weights=None, device="cpu", dtype="float32", height=32, width=32, radius_px=4.0)
    found = probe.measure_point(point, Forking(), RepeatRule(fewest=3, least=3, most=3))
    assert len(found["repeats"]) == 3
    assert len((tmp_path / "renders").read_text().splitlines()) == 1 + 3


def test_a_thread_that_is_left_running_and_streams_that_are_replaced_cost_no_measurement():
    odd = """
import runpy, sys, threading, time
from bokehbench.renderers.identity import IdentityRenderer
def render(self, scene, seed):
    sys.stdout = None
    return scene.image.clone()
IdentityRenderer._render = render
threading.Thread(target=time.sleep, args=(60,)).start()
runpy.run_module("bokehbench.benchmarks.latency.probe", run_name="__main__")
"""
    point = Point(renderer="identity", weights=None, device="cpu", dtype="float32", height=16, width=16, radius_px=2.0)
    began = time.monotonic()
    found = measure_apart(point, RepeatRule(least=2, most=2), (sys.executable, "-c", odd))
    assert found["status"] == "ok", found["reason"]
    assert time.monotonic() - began < 50.0
