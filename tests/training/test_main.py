"""The command: mistakes are one line, and a run that is killed ends where an unbroken one does."""

import runpy
import signal
import subprocess
import sys
import time

import pytest
import torch

from bokehbench.training.__main__ import main

from .forked import Forked
from .runs import assert_same, weights, write_config


def start(folder, settings):
    config = write_config(folder, settings, steps=12)
    return Forked(folder / "said", "bokehbench.training", config)


def test_a_killed_run_ends_in_the_same_weights(tmp_path, settings):
    whole = start(tmp_path / "whole", settings)
    killed = start(tmp_path / "killed", settings)
    checkpoints = tmp_path / "killed/run/checkpoints"
    deadline = time.monotonic() + 200.0
    while not list(checkpoints.glob("step-*.pt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.finish()
    assert killed.returncode == -signal.SIGKILL
    assert list(checkpoints.glob("step-*.pt"))
    assert not (tmp_path / "killed/run/model").exists()
    again = start(tmp_path / "killed", settings)
    message = again.finish()
    assert again.returncode == 0, message
    message = whole.finish()
    assert whole.returncode == 0, message
    assert_same(weights(tmp_path / "whole/run/model"), weights(tmp_path / "killed/run/model"))


def test_a_new_interpreter_runs_it(tmp_path):
    """Other tests fork processes that have imported everything."""
    config = tmp_path / "absent.yaml"
    command = [sys.executable, "-m", "bokehbench.training", config]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"training: {config}: ")
    assert done.stderr.count("\n") == 1


def test_the_command_says_what_it_did(tmp_path, settings, capsys):
    path = write_config(tmp_path, settings, "autoencoder", steps=2, minutes=1e-6)
    assert main([str(path)]) == 0
    assert capsys.readouterr().out == "Stopped after the given minutes; give the same command to go on\n"
    assert main([str(path)]) == 0
    assert capsys.readouterr().out == f"Result: {tmp_path / 'run/model'}\n"


def test_another_configuration_and_a_damaged_checkpoint_are_one_line(tmp_path, settings, capsys):
    assert main([str(write_config(tmp_path, settings, "autoencoder", steps=2))]) == 0
    assert main([str(write_config(tmp_path, settings, "autoencoder", steps=2, seed=5))]) == 2
    assert "another configuration" in capsys.readouterr().err
    (tmp_path / "run/checkpoints/step-00000002.pt").write_bytes(b"torn")
    assert main([str(write_config(tmp_path, settings, "autoencoder", steps=2))]) == 2
    assert "step-00000002.pt: damaged checkpoint" in capsys.readouterr().err


def test_missing_discriminator_weights_are_one_line(tmp_path, settings, capsys):
    losses = {"lpips": 0.0, "discriminator_weights": str(tmp_path / "absent.safetensors")}
    assert main([str(write_config(tmp_path, settings, "picture", {"losses": losses}))]) == 2
    error = capsys.readouterr().err
    assert "losses.adversarial: 0" in error.splitlines()[-1]


@pytest.mark.parametrize("arguments", [[], ["config.yaml"]])
def test_the_old_command_names_the_new_one(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["training", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("bokehbench.renderers.bokehdiff.training", run_name="__main__")
    assert ended.value.code == 2
    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert "python -m bokehbench.training CONFIG.yaml" in line
    assert not said.out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_in_one_line_and_the_checkpoints_stay(tmp_path, settings, number, code):
    process = start(tmp_path, settings)
    checkpoints = tmp_path / "run/checkpoints"
    deadline = time.monotonic() + 200.0
    while not list(checkpoints.glob("step-*.pt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    message = process.finish(60.0)
    assert process.returncode == code
    lines = [line for line in message.splitlines() if "step/s" not in line]
    assert lines[-1] == "training: interrupted; give the same command to go on from the last checkpoint"
    assert "Traceback" not in message
    newest = sorted(checkpoints.iterdir())[-1]
    assert torch.load(newest, weights_only=True)["step"] == int(newest.stem.removeprefix("step-"))


@pytest.mark.parametrize("variables", [{"RANK": "1"}, {"RANK": "2", "WORLD_SIZE": "2"}, {"WORLD_SIZE": "two"}])
def test_contradictory_launchers_are_one_line(tmp_path, settings, variables, monkeypatch, capsys):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main([str(write_config(tmp_path, settings))]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(("training: RANK: expected", "training: WORLD_SIZE: expected"))
