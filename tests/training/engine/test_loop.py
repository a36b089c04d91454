"""The loop trains whatever a task says: here a line through points. A killed run ends where an unbroken one does."""

import json
import math
import os
import signal
from unittest import mock

import pytest
import torch
from filelock import FileLock

from bokehbench.core.commands import Ended
from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.weights import say_where_training_is
from bokehbench.training.engine import pass_means
from bokehbench.training.engine.loop import LOGGED_EVERY, Training, train

from ..forked import Forked
from . import tiny_task
from .tiny_task import KILLED_AT, STEPS, TinyConfig, result, tiny_run


def assert_same(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("method", ["adamw", "muon"])
def test_it_learns(tmp_path, method):
    folder = train(tiny_run(tmp_path, TinyConfig(validate=True), steps=150, method=method, ema=0.0, validate_every=50))
    curve = [json.loads(line) for line in (tmp_path / "validation.jsonl").read_text().splitlines()]
    assert [point["step"] for point in curve] == [0, 50, 100, 150]
    assert curve[-1]["psnr"] > curve[0]["psnr"] + 10.0
    record = json.loads((folder / "training.json").read_text())
    assert record["configuration"]["model"] == {"factor": 1.0}
    assert record["configuration"]["optimiser"]["method"] == method
    assert record["seconds"] > 0.0
    assert list((tmp_path / "logs").rglob("events.out.tfevents.*"))


def test_a_run_that_is_killed_goes_on_exactly(tmp_path):
    whole = train(tiny_run(tmp_path / "whole"))
    killed = Forked(tmp_path / "said", tiny_task.__file__, tmp_path / "killed")
    said = killed.finish()
    assert killed.returncode == -signal.SIGKILL, said
    assert not (tmp_path / "killed/model").exists()
    training = Training(tiny_run(tmp_path / "killed"))
    assert training.step == KILLED_AT
    assert_same(result(whole), result(training.run()))
    assert [step for step, _ in training.task.seen] == list(range(KILLED_AT, STEPS))


def test_a_process_that_dies_ends_the_others_and_had_kept_its_number_of_threads(tmp_path, start_one):
    """numba's OpenMP layer would raise PyTorch's, past what OMP_NUM_THREADS says; it starts once a process."""
    first, second = (start_one(rank, tiny_task.__file__, tmp_path, 0.0) for rank in (0, 1))
    threads, message = second.communicate(timeout=120)
    assert second.returncode == -signal.SIGKILL, message
    assert threads.split()[-1] == "1"
    _, said = first.communicate(timeout=60)
    assert first.returncode == 1, said
    assert "another process of this command has ended or does not answer" in said.splitlines()[-1]
    assert f"step-{KILLED_AT:08d}.pt" in os.listdir(tmp_path / "checkpoints")


def test_an_interrupted_run_saves_its_step_and_goes_on_exactly(tmp_path, capsys):
    whole = train(tiny_run(tmp_path / "whole"))
    training = Training(tiny_run(tmp_path / "cut"))
    losses = training.task.losses

    def interrupted(batch, step):
        if step == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return losses(batch, step)

    with mock.patch.object(training.task, "losses", interrupted), pytest.raises(Ended):
        training.run()
    assert f"{tmp_path}/cut/checkpoints/step-00000005.pt: saved after step 5 of {STEPS}\n" in capsys.readouterr().err
    assert "not finished, after step 5: " in say_where_training_is(str(tmp_path / "cut"))
    assert_same(result(whole), result(train(tiny_run(tmp_path / "cut"))))
    assert f"going on from step 5 of {STEPS}\n" in capsys.readouterr().err
    assert "result lies in" in say_where_training_is(str(tmp_path / "cut"))


def test_two_commands_do_not_train_in_one_folder(tmp_path):
    with FileLock(tmp_path / ".lock"), pytest.raises(InvalidOptionError, match="another command trains here"):
        train(tiny_run(tmp_path))


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_run_that_is_stopped_goes_on_exactly(tmp_path, accumulation):
    whole = train(tiny_run(tmp_path / "whole", accumulation=accumulation))
    stopping, stops = tiny_run(tmp_path / "pieces", accumulation=accumulation, minutes=1e-9), 0
    while (pieces := train(stopping)) is None:
        stops += 1
    assert stops == STEPS - 1
    assert_same(result(whole), result(pieces))


def test_accumulated_passes_are_logged_and_trained_on_as_one(tmp_path):
    logged = []
    for name, change in (("one", {"batch": 4}), ("two", {"batch": 2, "accumulation": 2})):
        training = Training(tiny_run(tmp_path / name, steps=1, ema=0.0, **change))
        with mock.patch.object(training.accelerator, "log", lambda values, step: logged.append(values)):
            folder = training.run()
        samples = [index for _, indices in training.task.seen for index in indices]
        assert samples == [0, 1, 2, 3]
        if name == "one":
            weights = result(folder)
    for key, value in logged[0].items():
        assert logged[1][key] == pytest.approx(value, rel=1e-5), key
    assert logged[0].keys() == {"loss/mse", "loss/half", "train/psnr", "train/learning_rate"}
    assert logged[0]["train/psnr"] == pytest.approx(-10.0 * math.log10(logged[0]["loss/mse"]), rel=1e-5)
    for name, value in result(folder).items():
        torch.testing.assert_close(value, weights[name])


def test_divergence_in_any_pass_is_found_before_the_step(tmp_path):
    training = Training(tiny_run(tmp_path, steps=3, batch=2, accumulation=2, seed=5))
    before = training.task.layer.weight.detach().clone()
    losses = training.task.losses

    def spoilt(batch, step):
        found = losses(batch, step)
        if 1 in batch["index"]:  # the first pass of the first update
            found.terms["half"] = found.terms["half"] * float("inf")
        return found

    expected = r"step 0: the term 'half' is inf on samples 0, 1 of seed 5: lower the learning rate"
    with (
        mock.patch.object(training.task, "losses", spoilt),
        pytest.raises(pass_means.TrainingDivergedError, match=expected),
    ):
        training.run()
    assert torch.equal(training.task.layer.weight, before)


@pytest.mark.parametrize("accumulation", [1, 3])
def test_the_device_is_waited_for_once_an_update(tmp_path, accumulation):
    with mock.patch.object(pass_means.PassMeans, "read", autospec=True, side_effect=pass_means.PassMeans.read) as read:
        train(tiny_run(tmp_path, accumulation=accumulation))
    assert read.call_count == STEPS
    assert STEPS > LOGGED_EVERY


def test_another_configuration_does_not_go_on_from_the_checkpoints(tmp_path):
    train(tiny_run(tmp_path, steps=3))
    for other in (tiny_run(tmp_path, steps=3, seed=5), tiny_run(tmp_path, TinyConfig(factor=2.0), steps=3)):
        with pytest.raises(InvalidOptionError, match="another configuration"):
            train(other)
    train(tiny_run(tmp_path, steps=3, minutes=1.0, validate_every=7, workers=0))  # changes no result


def test_a_damaged_checkpoint_is_named(tmp_path):
    train(tiny_run(tmp_path, steps=3))
    (tmp_path / "checkpoints/step-00000003.pt").write_bytes(b"torn")
    with pytest.raises(MissingWeightsError, match=r"step-00000003\.pt: damaged checkpoint"):
        train(tiny_run(tmp_path, steps=3))


def test_the_two_newest_checkpoints_are_kept(tmp_path):
    train(tiny_run(tmp_path))
    assert sorted(x.name for x in (tmp_path / "checkpoints").iterdir()) == ["step-00000009.pt", "step-00000012.pt"]


def test_groups_have_their_own_rates_and_choose_muon(tmp_path):
    training = Training(tiny_run(tmp_path))
    weight, bias = training.update.optimiser.param_groups
    assert (weight["muon"], bias["muon"]) == (True, False)
    assert bias["lr"] == pytest.approx(0.5 * weight["lr"])
