"""The command: its plan without a card, its checks without a device, its exit codes."""

import json

import pytest
import torch

from bokehbench.benchmarks.gpu import session
from bokehbench.benchmarks.gpu.__main__ import main

WITHOUT_CARD = pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA device")


@WITHOUT_CARD
def test_without_a_card_it_says_what_it_would_do(tmp_path, capsys):
    assert main(["--output", str(tmp_path / "gpu.json")]) == 2
    said = capsys.readouterr()
    assert "would do check/march/rays (about 10 s)" in said.out
    assert "would do time/renderer/2048x2048/bokehdiff/64 px" in said.out
    assert said.err.startswith("gpu: torch ")
    assert "--without-device" in said.err
    assert not (tmp_path / "gpu.json").exists()


def test_all_steps_fit_into_the_minutes_that_are_the_default(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    main([])
    assert capsys.readouterr().out.splitlines()[-1].endswith(" steps, about 8 minutes")


def test_checks_without_a_device(tmp_path, capsys):
    """The whole program, a process of its own included."""
    path = tmp_path / "gpu.json"
    command = ["--without-device", "--only", "offsets/ramp,attention/no occlusion", "--output", str(path)]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok       check/scatter/offsets/ramp (")
    assert lines[-1] == f"the CPU: 2 of 2 steps ok: {path}"
    kept = json.loads(path.read_text())
    assert [step["status"] for step in kept["steps"].values()] == ["ok", "ok"]
    assert main([*command]) == 0, "nothing is done twice"
    assert json.loads(path.read_text())["steps"] == kept["steps"]
    assert main(["--show", "--output", str(path)]) == 0


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("failed", 1), ("skipped", 1), ("not done", 1)])
def test_exit_code_says_whether_all_is_ok(tmp_path, monkeypatch, capsys, status, code):
    outcome = {"status": status, "reason": "so it is", "result": {"error": 0.0, "tolerance": 1.0}}
    monkeypatch.setattr(session, "_attempt", lambda step, worker, left: outcome)
    asked = ["--without-device", "--only", "attention/paper", "--output", str(tmp_path / "gpu.json")]
    assert main(asked) == code
    assert f"{status:<8} check/attention/paper" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--without-device", "--minutes", "0"], "--minutes: expected a number above 0, got 0"),
        (["--only", "nothing of the kind"], "no step's name holds that"),
        (["--show", "--output", "/nowhere/gpu.json"], "/nowhere/gpu.json"),
    ],
)
def test_mistakes_are_one_line(arguments, message, capsys):
    assert main(arguments) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert message in said[0]
