"""Steps are done in another process, which may die, hang or talk nonsense without harm to the next step."""

import json
import subprocess
import sys

import pytest
import torch

from bokehbench.benchmarks.gpu import worker
from bokehbench.benchmarks.gpu.step import Check, Timing
from bokehbench.benchmarks.gpu.worker import Worker, do_step

ANSWERS = """
import json, os, sys, time
for number, line in enumerate(sys.stdin):
    name = line.strip()
    if name == "die":
        print("no more", file=sys.stderr)
        os._exit(3)
    if name == "hang":
        time.sleep(60)
    if name == "kill":
        os.kill(os.getpid(), 9)
    answer = {"status": "failed", "reason": "broken"} if name == "break" else {"status": "ok", "result": {"n": number}}
    print("nonsense" if name == "babble" else json.dumps(answer | {"device": sys.argv[1]}), flush=True)
"""


@pytest.fixture
def answers():
    owner = Worker("cuda", (sys.executable, "-c", ANSWERS))
    yield owner
    owner.close()


def test_one_process_answers_as_long_as_it_lives(answers):
    assert [answers.run("count", 60.0)["result"]["n"] for _ in range(3)] == [0, 1, 2]
    assert answers.run("count", 60.0)["device"] == "cuda"


@pytest.mark.parametrize(
    ("name", "seconds", "reason"),
    [
        ("die", 60.0, "the process ended with code 3: no more"),
        ("hang", 0.5, "took longer than 0.5 s: ended"),
        ("kill", 60.0, "killed by the system: most likely out of memory"),
        ("break", 60.0, "broken"),
        ("babble", 60.0, "expected an answer, got 'nonsense'"),
    ],
)
def test_after_a_failure_the_next_step_has_a_fresh_process(answers, name, seconds, reason):
    answers.run("count", 60.0)
    assert answers.run(name, seconds) == {"status": "failed", "reason": reason} | (
        {"device": "cuda"} if name == "break" else {}
    )
    assert answers.run("count", 60.0)["result"]["n"] == 0


class AtTheLastMoment:
    """A timer that goes off when it is cancelled: the answer and the end of the time come together."""

    def __init__(self, seconds, act):
        self.cancel = act

    def start(self):
        pass

    join = start


def test_an_answer_at_the_last_moment_counts_and_the_next_step_has_a_fresh_process(monkeypatch, answers):
    with monkeypatch.context() as patched:
        patched.setattr(worker.threading, "Timer", AtTheLastMoment)
        assert answers.run("count", 60.0)["status"] == "ok"
    assert answers.run("count", 60.0)["result"]["n"] == 0


HANGING = """
import sys, time
from bokehbench.benchmarks.gpu import worker

def hang(name, device):
    print(name, file=sys.__stdout__, flush=True)
    time.sleep(60)

worker.do_step = hang
worker.main()
"""


def test_a_hanging_step_ends_with_its_owner():
    command = [sys.executable, "-c", HANGING, "cpu"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write("hang\n")
        process.stdin.flush()
        assert process.stdout.readline() == "hang\n"
        process.stdin.close()  # as when the owner is killed
        assert process.wait(30) == 1


def raise_(device):
    raise torch.OutOfMemoryError("x")


STEPS = {
    step.name: step
    for step in (
        Check(name="good", reference="r", tolerance=1.0, find_error=lambda device: 0.5),
        Timing(name="endless", take=lambda device: {"seconds": float("inf")}, seconds=1.0),
        Timing(name="large", take=raise_, seconds=1.0),
    )
}


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("good", "ok", None),
        ("endless", "failed", "ValueError: Out of range float values are not JSON compliant"),
        ("large", "failed", "out of memory on cpu"),
    ],
)
def test_a_step_never_raises(monkeypatch, name, status, reason):
    monkeypatch.setattr(worker, "find_step", STEPS.__getitem__)
    found = json.loads(do_step(name, torch.device("cpu")))
    assert found["status"] == status
    assert found["reason"] == reason or found["reason"].startswith(reason)
