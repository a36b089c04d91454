"""Latency: known sleeps are found, points are measured apart, kept, resumed; what fails is a measurement too."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from bokehbench.benchmarks.latency import probe as latency_probe
from bokehbench.benchmarks.latency import session as latency
from bokehbench.benchmarks.latency.probe import ForeignLoad, describe_failure, measure_point
from bokehbench.benchmarks.latency.repeats import RepeatRule
from bokehbench.benchmarks.latency.scene import make_latency_scene
from bokehbench.benchmarks.latency.session import (
    Point,
    measure_apart,
    read_latency,
    run_latency,
)
from bokehbench.benchmarks.request import RunRequest
from bokehbench.benchmarks.run import measure
from bokehbench.core import timing
from bokehbench.core.errors import InvalidOptionError, InvalidOutputError, MissingWeightsError, SkippedSceneError
from bokehbench.core.timing import stage
from bokehbench.renderers.interface import Capabilities, Renderer

QUICK = RepeatRule(least=2, most=2)
POINT = Point(renderer="sleepy", weights=None, device="cpu", dtype="float32", height=32, width=48, radius_px=4.0)


class Sleepy(Renderer):
    """Sleeps 40 ms in one stage and 20 ms in another, and holds 64 MiB meanwhile."""

    name = "sleepy"
    capabilities = Capabilities(devices=("cpu",))
    calls = 0
    forgotten = 0

    def forget(self):
        self.forgotten += 1
        time.sleep(0.2)

    def _load(self):
        time.sleep(0.05)

    def _render(self, scene, seed):
        self.calls += 1
        with stage("long"):
            held = torch.ones(16 * 2**20)
            time.sleep(0.04)
        with stage("short"):
            time.sleep(0.02)
        return scene.image * held[0]


@pytest.fixture
def ticks(monkeypatch):
    """A clock that only ``sleep`` moves, for this module, the probe and the stages."""

    class Ticks:
        now = 0.0

        def perf_counter(self):
            return self.now

        def process_time(self):
            return 0.0

        def sleep(self, seconds):
            self.now += seconds

    clock = Ticks()
    for module in (sys.modules[__name__], latency_probe, measure, timing):
        monkeypatch.setattr(module, "time", clock)


@pytest.mark.usefixtures("ticks")
def test_known_sleeps_are_found():
    renderer = Sleepy()
    found = measure_point(POINT, renderer, RepeatRule(least=6, most=6))
    assert renderer.calls == 7, "one to warm up"
    assert renderer.forgotten == 6, "every repeat costs what a new scene does, and forgetting is outside its clock"
    assert found["spread"]["repeats"] == len(found["repeats"]) == 6
    assert found["stages"] == pytest.approx({"long": 0.04, "short": 0.02})
    assert [found["spread"][name] for name in ("q25", "median", "p95")] == pytest.approx([0.06] * 3)
    assert found["cpu_seconds"] == 0.0, "sleep costs no processor time"
    assert found["prepare_seconds"] == pytest.approx(0.05)
    assert found["megapixels_per_second"] == pytest.approx(32 * 48 / 1e6 / found["spread"]["median"])


class Doubling(Sleepy):
    """Twice as large as its input, needs an f-number, and takes its time to check what it made."""

    capabilities = Capabilities(inputs=frozenset({"picture", "f-number"}), devices=("cpu",), scale=2)

    def _render(self, scene, seed):
        return super()._render(scene, seed).repeat_interleave(2, 1).repeat_interleave(2, 2)

    def check(self, output, scene):
        time.sleep(1.5)
        return super().check(output, scene)


@pytest.mark.usefixtures("ticks")
def test_any_inputs_and_scale_are_measured_and_the_checks_are_not():
    found = measure_point(POINT, Doubling(), QUICK)
    assert found["status"] == "ok"
    assert found["first_seconds"] == pytest.approx(0.06)
    assert found["spread"]["median"] == pytest.approx(0.06)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's high-water mark is Linux's")
def test_memory_of_a_render_is_seen():
    """In a fresh process, as the command measures: this one may give back what earlier tests left, meanwhile."""
    code = "import json, test_session as t; print(json.dumps(t.measure_point(t.POINT, t.Sleepy(), t.QUICK)['memory']))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    memory = json.loads(done.stdout.splitlines()[-1])
    assert 60 < memory["added_mb"] < 200
    assert memory["resident_mb"] > memory["added_mb"]


def test_load_of_other_processes_is_seen(monkeypatch):
    """Niced ones too: 10 s of wall time, 3 s of our own, 5 + 4 of everybody."""
    readings = iter(
        [SimpleNamespace(user=100.0, nice=0.0, system=7.0), SimpleNamespace(user=104.5, nice=4.0, system=7.5)]
    )
    walls, own = iter([0.0, 10.0]), iter([0.0, 3.0])
    monkeypatch.setattr(latency_probe.psutil, "cpu_times", lambda: next(readings))
    stand_in = SimpleNamespace(perf_counter=lambda: next(walls), process_time=lambda: next(own))
    monkeypatch.setattr(latency_probe, "time", stand_in)
    with ForeignLoad() as foreign:
        pass
    assert foreign.cores == pytest.approx(0.6)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 96)])
def test_scene_has_the_radius_that_it_is_named_for(height, width):
    scene = make_latency_scene(height, width, 12.0)
    assert (scene.height, scene.width) == (height, width)
    assert float(scene.defocus.abs().max()) == pytest.approx(12.0)
    assert float(scene.defocus.min()) < 0 < float(scene.defocus.max())
    assert torch.equal(scene.image, make_latency_scene(height, width, 5.0).image)


def request_for(folder, **values):
    asked = {"renderers": ["identity"], "output": folder, "sizes": [(16, 24)], "radii": [2.0]}
    return RunRequest(**asked | values)


def test_a_process_of_its_own_measures(tmp_path):
    record = run_latency(request_for(tmp_path), QUICK)
    (one,) = record["measurements"].values()
    assert one["status"] == "ok"
    assert one["spread"]["repeats"] == 2
    assert (one["width"], one["height"], one["radius_px"]) == (24, 16, 2.0)
    assert json.loads((tmp_path / "results" / "default" / "latency.json").read_text()) == record


@pytest.fixture
def probe(monkeypatch):
    """Stands in for the processes: counts the points it is given; ``answer`` is what they say."""
    from ...stored_records import MEASUREMENT  # here: a test imports this file by itself

    class Probe:
        answer = MEASUREMENT
        given: list = []  # noqa: RUF012

        def __call__(self, point, rule):
            self.given.append(point.key)
            return dict(self.answer)

    stand_in = Probe()
    stand_in.given = []
    monkeypatch.setattr(latency, "measure_apart", stand_in)
    return stand_in


def test_finished_measurements_are_kept_and_failed_ones_taken_again(tmp_path, probe):
    asked = request_for(tmp_path, sizes=[(16, 16), (16, 24)], radii=[2.0, 4.0])
    record = run_latency(asked, QUICK)
    assert probe.given == record["plan"]
    assert len(probe.given) == 4
    failed = record["plan"][2]
    record["measurements"][failed] |= {"status": "failed", "reason": "bad luck"}
    path = tmp_path / "results" / "default" / "latency.json"
    path.write_text(json.dumps(record))
    run_latency(asked, QUICK)
    assert probe.given[4:] == [failed]
    run_latency(request_for(tmp_path, sizes=[(16, 16)], radii=[2.0], fresh=True), QUICK)
    assert len(probe.given) == 6
    assert len(read_latency(path.parent)["measurements"]) == 1


def test_a_damaged_measurement_is_named_and_taken_again(tmp_path, probe, caplog):
    asked = request_for(tmp_path, sizes=[(16, 16), (16, 24)])
    record = run_latency(asked, QUICK)
    damaged = record["plan"][1]
    record["measurements"][damaged] = record["measurements"][damaged] | {"memory": []}
    (tmp_path / "results" / "default" / "latency.json").write_text(json.dumps(record))
    run_latency(asked, QUICK)
    assert probe.given[2:] == [damaged]
    assert [damaged in entry.getMessage() for entry in caplog.records] == [True]


def test_a_damaged_file_is_set_aside_and_everything_measured_again(tmp_path, probe, caplog):
    path = tmp_path / "results" / "default" / "latency.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    assert len(run_latency(request_for(tmp_path), QUICK)["measurements"]) == 1
    assert (path.parent / "latency.json.aside-1").read_text() == "{"
    (said,) = [entry.getMessage() for entry in caplog.records]
    assert said.endswith("it is kept as latency.json.aside-1, and everything is measured again")


def test_measurement_from_other_surroundings_is_taken_again(tmp_path, probe):
    record = run_latency(request_for(tmp_path), QUICK)
    for one in record["measurements"].values():
        one["environment"] = "elsewhere"
    (tmp_path / "results" / "default" / "latency.json").write_text(json.dumps(record))
    run_latency(request_for(tmp_path), QUICK)
    assert len(probe.given) == 2


def test_missing_weights_are_found_once(tmp_path, probe):
    probe.answer = describe_failure(MissingWeightsError("get them"), "cpu")
    record = run_latency(request_for(tmp_path, sizes=[(16, 16), (32, 32)]), QUICK)
    assert len(probe.given) == 1
    assert [one["status"] for one in record["measurements"].values()] == ["skipped"] * 2


def test_skipped_scene_says_nothing_of_another_size(tmp_path, probe):
    probe.answer = describe_failure(SkippedSceneError("too small"), "cpu")
    record = run_latency(request_for(tmp_path, sizes=[(16, 16), (32, 32)]), QUICK)
    assert len(probe.given) == 2
    assert [one["reason"] for one in record["measurements"].values()] == ["too small"] * 2


def test_bytes_that_are_no_utf_8_cost_no_measurement():
    said = "import os; os.write(1, b'caf\\xe9 without its end'); os.write(2, b'\\xff')"
    program = f"from bokehbench.benchmarks.latency.probe import main; {said}; main()"
    point = replace(POINT, renderer="identity", height=16, width=16)
    found = measure_apart(point, QUICK, (sys.executable, "-c", program))
    assert found["status"] == "ok", found["reason"]


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "most likely out of memory"),
        ("import sys; sys.exit('no more')", "ended with code 1: no more"),
        ("pass", "ended with code 0: nothing was said"),
        (r"print('{}\ngoodbye')", "expected a measurement as the process's last line, got 'goodbye'"),
        ("print(7)", "got '7'"),
        (r"import os; os.write(1, b'\xff\n')", r"got '\xff'"),
        (r"import os; os.write(2, b'caf\xe9'); os._exit(3)", r"ended with code 3: caf\xe9"),
    ],
)
def test_process_that_dies_is_a_failed_measurement(program, reason):
    found = measure_apart(POINT, QUICK, (sys.executable, "-c", program))
    assert found["status"] == "failed"
    assert reason in found["reason"]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (MissingWeightsError("get them"), "skipped", "get them"),
        (SkippedSceneError("not this one"), "skipped", "not this one"),
        (InvalidOptionError("no such thing"), "failed", "no such thing"),
        (MemoryError(), "failed", "out of memory on cpu"),
        (torch.OutOfMemoryError("x"), "failed", "out of memory on cpu"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "failed", "out of memory on cpu"),
        (InvalidOutputError("x on 'ramp': too dark", "too dark"), "failed", "too dark"),
        (ValueError("bad\nluck"), "failed", "ValueError: bad luck"),
    ],
)
def test_errors_become_reasons(error, status, reason):
    found = describe_failure(error, "cpu")
    assert (found["status"], found["reason"]) == (status, reason)


def test_silent_gpu_program_costs_no_measurement(monkeypatch):
    def hang(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(latency_probe.shutil, "which", lambda program: program)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(latency_probe.subprocess, "run", hang)
    assert latency_probe.read_gpu() is None
