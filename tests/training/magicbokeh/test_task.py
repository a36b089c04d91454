"""MagicBokeh in training: a step changes one branch, a resumed run ends in the same weights."""

import dataclasses

import pytest
import torch
from safetensors.torch import load_file

from bokehbench.core.errors import InvalidOptionError
from bokehbench.training.engine.loop import train
from bokehbench.training.engine.optimisers import make_optimiser
from bokehbench.training.scenes.low_quality import LowQuality

CPU = torch.device("cpu")


def weights(folder):
    return load_file(folder / "network.safetensors")


def as_batch(sample):
    return {name: value[None] for name, value in sample.items()}


def test_a_resumed_run_ends_in_the_same_weights(tmp_path, configure):
    whole = train(configure(tmp_path / "whole", steps=2))
    pieces = configure(tmp_path / "pieces", steps=2, minutes=1e-6)
    while (result := train(pieces)) is None:
        pass
    first, second = weights(whole), weights(result)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_step_trains_the_branch_whose_turn_it_is(tmp_path, configure):
    config = configure(tmp_path)
    task = config.model.build(config, CPU)
    batch = as_batch(task.dataset()[0])
    task._dataset = [task.dataset()[0]]
    assert task._measure_gains(CPU).shape == (16, 1, 1)  # of fewer scenes than are asked for
    network = task.network
    branches = {"bokeh": network.bokeh_parameters, "restoration": network.restoration_parameters}

    def trained_at(step):
        losses = task.losses(batch, step)
        sum(losses.terms.values()).backward()
        found = {name for name, branch in branches.items() if any(p.grad is not None for p in branch())}
        network.zero_grad(set_to_none=True)
        return losses.terms.keys(), found

    assert trained_at(0) == ({"bokeh"}, {"bokeh"})  # one of each by the configuration
    assert trained_at(1) == ({"restoration"}, {"restoration"})
    task._shared = True
    assert trained_at(2) == ({"bokeh"}, {"bokeh", "restoration"})
    task._config = dataclasses.replace(config.model, joint=True)
    assert trained_at(3) == ({"bokeh", "restoration"}, {"bokeh", "restoration"})


def test_it_starts_as_the_base_and_learns_to_restore(tmp_path, configure):
    config = configure(tmp_path, {"turns": [0, 1], "low_quality": {"clean": 0.0}})
    task = config.model.build(config, CPU)
    batch = as_batch(task.dataset()[0])
    picture, truth = task.render(batch)
    assert torch.allclose(picture, batch["image"], atol=1e-6)
    assert torch.equal(truth, batch["clean"])
    data = dataclasses.replace(config.model.data, validation=config.model.data.scenes)
    task._config = dataclasses.replace(config.model, data=data, turns=(1, 0), low_quality=LowQuality(clean=0.8))
    poor = as_batch(task.validation_dataset()[0])
    picture, truth = task.render(poor)
    assert torch.allclose(picture, poor["base"], atol=1e-6)
    assert torch.equal(truth, poor["target"])
    assert not torch.equal(poor["image"], poor["clean"])
    task._config = config.model
    optimiser = make_optimiser(task.parameter_groups(), config.optimiser)
    errors = []
    for _ in range(12):
        losses = task.losses(batch, 0)
        errors.append(float(losses.mse))
        losses.terms["restoration"].backward()
        optimiser.step()
        optimiser.zero_grad()
    assert errors[-1] < 0.9 * errors[0]


def test_the_bokeh_branch_starts_from_the_restoration_that_it_goes_on_from(tmp_path, configure):
    first = tmp_path / "first"
    other_seed = configure(tmp_path / "a", seed=5)
    other_seed.model.build(other_seed, CPU).save(first)
    config = configure(tmp_path / "second", {"start": str(first)})
    network, stored = config.model.build(config, CPU).network, weights(first)
    assert all(torch.allclose(p, stored[f"unet.{name}"].float()) for name, p in network.unet.named_parameters())
    assert torch.equal(network.control.conv_in.weight, network.unet.conv_in.weight)
    other = configure(tmp_path / "other", {"start": str(first), "settings": {}})
    with pytest.raises(InvalidOptionError, match=r"model\.start: .*: expected a network of"):
        other.model.build(other, CPU)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"turns": [0, 0]}, r"model\.turns: expected two numbers of steps, one above 0"),
        ({"settings": {"autoencoder": "x"}}, r"model\.settings\.autoencoder: expected ''"),
        ({"settings": {}, "data": None}, r"data"),
    ],
)
def test_an_impossible_model_is_one_line(tmp_path, configure, model, expected):
    with pytest.raises(InvalidOptionError, match=expected):
        configure(tmp_path, model)


def test_pictures_must_be_whole_tokens(tmp_path, configure, settings):
    odd = settings | {"size_px": 30}
    for data, name in (({"scenes": odd}, "scenes"), ({"scenes": settings, "validation": odd}, "validation")):
        with pytest.raises(
            InvalidOptionError, match=rf"model\.data\.{name}\.size_px: expected a multiple of 8.*got 30"
        ):
            configure(tmp_path, {"data": data | {"crop_px": 16}})
