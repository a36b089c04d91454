"""Steps are done in order within the minutes, kept after each, gone on with; here with a stand-in for the process."""

import json

import pytest

from bokehbench.benchmarks.gpu import session
from bokehbench.benchmarks.gpu.session import GpuRequest, read_record_of, run_steps
from bokehbench.benchmarks.gpu.step import TRITON, Check, Timing
from bokehbench.core.errors import DamagedRecordError

FIRST = Check(name="first", reference="r", tolerance=1.0, find_error=abs, seconds=10.0)
LONG = Timing(name="long", take=abs, seconds=500.0)
SHORT = Timing(name="short", take=abs, seconds=5.0)
STEPS = [FIRST, LONG, SHORT]


class StandIn:
    """Takes the place of the process and of the clock; what it does takes as long as the step thinks."""

    def __init__(self):
        self.done, self.limits, self.closed, self.now = [], [], 0, 0.0
        self.takes = {step.name: step.seconds for step in STEPS}
        self.failing, self.on_run = {}, lambda name: None

    def __call__(self, device):
        self.device = device
        return self

    def run(self, name, seconds):
        self.on_run(name)
        self.done.append(name)
        self.limits.append(seconds)
        self.now += min(seconds, self.takes[name])
        reason = self.failing.get(name)
        return {"status": "failed", "reason": reason} if reason else {"status": "ok", "reason": None, "result": {}}

    def close(self):
        self.closed += 1

    def monotonic(self):
        return self.now


@pytest.fixture
def stand_in(monkeypatch):
    one = StandIn()
    monkeypatch.setattr(session, "Worker", one)
    monkeypatch.setattr(session, "time", one)
    monkeypatch.setattr(session, "read_gpu", lambda: {"name": "H1"})
    return one


@pytest.fixture
def run(tmp_path, stand_in):
    def start(minutes=20.0, steps=STEPS, **options):
        request = GpuRequest(path=tmp_path / "gpu.json", device="cuda", minutes=minutes, command="gpu", **options)
        return run_steps(steps, request, lambda name, step: None)

    return start


def states(record):
    return {name: step["status"] for name, step in record["steps"].items()}


def test_all_is_done_in_order_and_kept(tmp_path, stand_in, run):
    record = run()
    assert stand_in.done == ["first", "long", "short"]
    assert stand_in.device == "cuda"
    assert stand_in.closed == 1
    assert [record["steps"][name]["seconds"] for name in record["plan"]] == [10.0, 500.0, 5.0]
    assert record["gpu"] == [{"name": "H1"}] * 2
    assert read_record_of(tmp_path / "gpu.json") == record


def test_what_does_not_fit_is_named_and_the_rest_goes_on(run, stand_in):
    record = run(minutes=2.0)
    assert stand_in.done == ["first", "short"]
    assert states(record) == {"first": "ok", "long": "not done", "short": "ok"}
    assert record["steps"]["long"]["reason"] == "takes about 500 s, 110 s were left"


def test_no_step_outlasts_the_minutes_or_many_times_its_estimate(run, stand_in):
    stand_in.takes["first"] = 80.0
    run(minutes=2.0)
    assert stand_in.limits == [90.0, 40.0]


def test_the_same_command_goes_on(run, stand_in):
    stand_in.failing["short"] = "bad luck"
    assert states(run(minutes=2.0)) == {"first": "ok", "long": "not done", "short": "failed"}
    stand_in.failing.clear()
    record = run()
    assert stand_in.done == ["first", "short", "long", "short"]
    assert set(states(record).values()) == {"ok"}
    run(fresh=True)
    assert stand_in.done[4:] == ["first", "long", "short"]


@pytest.mark.parametrize("what", ["environment", "code", "device"])
def test_results_of_another_machine_or_program_are_made_again(tmp_path, run, stand_in, what):
    record = run()
    record["steps"]["short"][what] = "another"
    (tmp_path / "gpu.json").write_text(json.dumps(record))
    run()
    assert stand_in.done[3:] == ["short"]


def test_an_interruption_keeps_what_is_done(tmp_path, run, stand_in):
    def interrupt(name):
        if name == "long":
            raise KeyboardInterrupt

    stand_in.on_run = interrupt
    with pytest.raises(KeyboardInterrupt):
        run()
    assert stand_in.closed == 1
    assert states(read_record_of(tmp_path / "gpu.json")) == {"first": "ok"}


def test_a_step_that_needs_triton_is_skipped_without_it(monkeypatch, run, stand_in):
    monkeypatch.setattr("bokehbench.benchmarks.gpu.steps.importlib.util.find_spec", lambda name: None)
    step = Timing(name="short", take=abs, seconds=1.0, needs=frozenset({TRITON}))
    record = run(steps=[step])
    assert states(record) == {"short": "skipped"}
    assert "pip install triton" in record["steps"]["short"]["reason"]
    assert stand_in.done == []


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 1}'])
def test_another_file_is_refused(tmp_path, run, content):
    (tmp_path / "gpu.json").write_text(content)
    with pytest.raises(DamagedRecordError, match=r"gpu\.json"):
        run()
    assert (tmp_path / "gpu.json").read_text() == content
