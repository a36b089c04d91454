"""Stage 1 in training: a resumed run ends in the same weights, both phases have their terms, the result renders."""

import pytest
import torch
from safetensors.torch import load_file

from bokehbench.renderers.registry import load_renderer
from bokehbench.training.engine.loop import train


def test_a_resumed_run_ends_in_the_same_weights_and_renders(tmp_path, configure, make_scene):
    model, steps = {"rendering_from": 0.3, "profile": "paper"}, 3  # the first without pictures
    whole = train(configure(tmp_path / "whole", "defocus", model, steps=steps))
    pieces = configure(tmp_path / "pieces", "defocus", model, steps=steps, minutes=1e-6)
    while (result := train(pieces)) is None:
        pass
    for name in ("hallucination", "radiance", "fusion"):
        first, second = (load_file(folder / f"{name}.safetensors") for folder in (whole, result))
        assert all(torch.equal(first[key], second[key]) for key in first)
    assert load_renderer(f"defocus-to-focus@{result}").render(make_scene()).shape == (3, 24, 32)


def test_the_picture_counts_only_after_the_defocus(tmp_path, configure):
    config = configure(tmp_path, "defocus", {"rendering_from": 0.5})
    task = config.model.build(config, torch.device("cpu"))
    sample = task.dataset()[0]
    batch = {name: value[None] for name, value in sample.items()}
    assert set(task.losses(batch, 0).terms) == {"defocus", "edges"}
    losses = task.losses(batch, 2)
    assert set(losses.terms) == {"defocus", "edges", "picture", "ssim"}
    sum(losses.terms.values()).backward()
    assert float(task.parts.radiance.conv1.weight.grad.abs().sum()) > 0.0
    assert float(task.parts.hallucination.stem.weight.grad.abs().sum()) > 0.0


def test_without_pictures_nothing_is_traced_and_the_cross_entropy_falls_to_nothing(tmp_path, configure):
    config = configure(tmp_path, "defocus", {"rendering_from": 1.0, "likelihood": 0.5})
    task = config.model.build(config, torch.device("cpu"))
    sample = task.dataset()[0]
    assert "target" not in sample
    traced = task.validation_dataset()[0]
    assert set(traced) - set(sample) == {"target"}
    batch = {name: value[None] for name, value in sample.items()}
    first, last = (task.losses(batch, step).terms["likelihood"] for step in (0, 3))
    assert float(last) == pytest.approx(float(first) / 4.0)
