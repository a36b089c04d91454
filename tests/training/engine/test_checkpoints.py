"""A checkpoint that is not what this run wrote is one line that names the file and what to do; none is lost."""

import errno
import math
import os
import zipfile
from unittest import mock

import pytest
import torch

from bokehbench.core.errors import CannotWriteError, MissingWeightsError
from bokehbench.training.engine.loop import Training, train

from .tiny_task import tiny_run

RUN = {"steps": 4, "checkpoint_every": 2}


def without(*place):
    def change(state):
        inner = state
        for name in place[:-1]:
            inner = inner[name]
        del inner[place[-1]]

    return change


def put(value, *place):
    def change(state):
        inner = state
        for name in place[:-1]:
            inner = inner[name]
        inner[place[-1]] = value

    return change


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished training's folder and the state in its newest checkpoint."""
    folder = tmp_path_factory.mktemp("checkpoints")
    train(tiny_run(folder, **RUN))
    newest = folder / "checkpoints/step-00000004.pt"
    return folder, newest, newest.read_bytes()


@pytest.fixture
def damage(finished):
    """Change the newest checkpoint; it is itself again afterwards."""
    folder, newest, content = finished

    def damage(change):
        state = torch.load(newest, weights_only=True)
        change(state)
        torch.save(state, newest)
        return folder

    yield damage
    newest.unlink()
    newest.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without("weights"), "the state: missing entry 'weights'"),
        (without("optimiser"), "missing entry 'optimiser'"),
        (without("seconds"), "missing entry 'seconds'"),
        (without("averaged", "shadow_params"), "averaged: missing entry 'shadow_params'"),
        (without("optimiser", "param_groups"), "missing entry 'param_groups'"),
        (put(1, "note"), "the state: unknown entry 'note'"),
        (put("four", "step"), "step: expected int, got str"),
        (put(5, "step"), "step 5,"),
        (put(math.nan, "seconds"), "seconds: expected a finite number, got nan"),
        (put(None, "schedule"), "schedule: expected dict, got NoneType"),
        (put([], "weights"), "weights: expected 2 values, got 0"),
        (put(torch.zeros(3, 1), "weights", 0), r"weights 0: expected \(1, 3\) float32, got \(3, 1\) float32"),
        (put(torch.full((1, 3), math.inf), "weights", 0), "weights 0: expected finite numbers"),
        (put({}, "optimiser", "state", 0), "optimiser: expected step, exp_avg, exp_avg_sq, got"),
        (put(torch.zeros(7), "optimiser", "state", 0, "momentum"), "optimiser: momentum does not fit a parameter"),
        (put([], "optimiser", "state"), "state: expected dict, got list"),
    ],
)
def test_what_is_wrong_in_a_checkpoint_is_named(damage, change, reason):
    folder = damage(change)
    expected = rf"step-00000004\.pt: damaged checkpoint \(.*{reason}.*\): remove it to go on from the one before$"
    with pytest.raises(MissingWeightsError, match=expected) as caught:
        train(tiny_run(folder, **RUN))
    assert "\n" not in str(caught.value)


def test_a_named_pipe_is_not_waited_for(finished, damage):
    folder = damage(lambda state: None)
    finished[1].unlink()
    os.mkfifo(finished[1])
    with pytest.raises(MissingWeightsError, match=r"step-00000004\.pt: damaged checkpoint \(.*named pipe"):
        train(tiny_run(folder, **RUN))


@pytest.mark.parametrize("content", [b"", b"torn", b"PK\x03\x04"])
def test_a_torn_file_is_named(finished, damage, content):
    folder = damage(lambda state: None)
    finished[1].write_bytes(content)
    with pytest.raises(MissingWeightsError, match=r"step-00000004\.pt: damaged checkpoint"):
        train(tiny_run(folder, **RUN))


def test_a_flipped_bit_is_named(finished, damage):
    folder, newest, _ = finished
    damage(lambda state: None)
    with zipfile.ZipFile(newest) as archive:
        tensor = max(archive.infolist(), key=lambda entry: (entry.filename.endswith("data/0"), entry.file_size))
        start = newest.read_bytes().find(archive.read(tensor))
    flipped = bytearray(newest.read_bytes())
    flipped[start + 2] ^= 1
    newest.write_bytes(flipped)
    with pytest.raises(MissingWeightsError, match=r"damaged checkpoint \(.*data/.* does not match its checksum\)"):
        Training(tiny_run(folder, **RUN))


def test_other_contents_are_named(finished, damage):
    folder = damage(lambda state: None)
    for content in ([1, 2], {"identity": 3}, torch.zeros(3)):
        torch.save(content, finished[1])
        with pytest.raises(MissingWeightsError, match="expected the state of a training"):
            train(tiny_run(folder, **RUN))


def test_the_one_before_serves_where_the_newest_is_removed(tmp_path):
    whole = train(tiny_run(tmp_path, **RUN))
    expected = (whole / "layer.safetensors").read_bytes()
    (tmp_path / "checkpoints/step-00000004.pt").unlink()
    assert Training(tiny_run(tmp_path, **RUN)).step == 2
    assert (train(tiny_run(tmp_path, **RUN)) / "layer.safetensors").read_bytes() == expected


def test_a_full_disk_leaves_the_checkpoints_before(tmp_path):
    training = Training(tiny_run(tmp_path, **RUN))
    save = torch.save

    def full(state, file):
        if state["step"] == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(state, file)

    with (
        mock.patch.object(torch, "save", full),
        pytest.raises(CannotWriteError, match=r"step-00000004\.pt.*disk is full"),
    ):
        training.run()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000002.pt"]
    assert Training(tiny_run(tmp_path, **RUN)).step == 2


def test_a_damaged_curve_is_no_obstacle(tmp_path):
    train(tiny_run(tmp_path, **RUN))
    with (tmp_path / "validation.jsonl").open("a") as file:
        file.write('{"step": 1, "psnr": 3.0}\n{"step"\n[]\n{"step": "x"}\n')
    train(tiny_run(tmp_path, **RUN))
    assert (tmp_path / "validation.jsonl").read_text() == '{"step": 1, "psnr": 3.0}\n'
