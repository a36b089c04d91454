"""A LoRA folded into weights: what the layers compute afterwards, and what is refused by name."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.diffusion.folded_lora import fold_lora, split_lora

RANK, ALPHA, SOURCE = 2, 8.0, Path("lora.safetensors")


@pytest.fixture
def network():
    return nn.ModuleDict({"wide": nn.Conv2d(3, 5, 3, padding=1), "flat": nn.Linear(4, 6), "norm": nn.GroupNorm(1, 3)})


@pytest.fixture
def state():
    shapes = {"wide": ((RANK, 3, 3, 3), (5, RANK, 1, 1)), "flat": ((RANK, 4), (6, RANK))}
    return {
        f"{layer}.lora_{side}.weight": torch.randn(shape)
        for layer, both in shapes.items()
        for side, shape in zip("AB", both, strict=True)
    }


@torch.no_grad()
def test_layers_compute_what_they_did_and_the_two_products(network, state):
    picture, tokens = torch.randn(1, 3, 6, 6), torch.randn(2, 4)
    a, b, c, d = state.values()
    wide = network["wide"](picture) + ALPHA / RANK * F.conv2d(F.conv2d(picture, a, padding=1), b)
    flat = network["flat"](tokens) + ALPHA / RANK * tokens @ c.T @ d.T
    fold_lora(network, state, ["wide", "flat"], RANK, ALPHA, SOURCE)
    torch.testing.assert_close(network["wide"](picture), wide)
    torch.testing.assert_close(network["flat"](tokens), flat)


def test_entries_of_a_lora_are_told_from_others(state):
    others = {"wide.weight": torch.zeros(1), "lora": torch.zeros(1)}
    assert split_lora(state | others) == (state, others)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (["wide"], r"lora\.safetensors: the LoRA holds, beside its layers', 'flat\.lora_A\.weight'"),
        (["wide", "flat", "norm"], r"the LoRA lacks 'norm\.lora_A\.weight'"),
    ],
)
def test_names_that_do_not_fit_are_said(network, state, layers, said):
    with pytest.raises(InvalidOptionError, match=said):
        fold_lora(network, state, layers, RANK, ALPHA, SOURCE)


def test_layers_that_are_no_layers_and_other_ranks_are_said(network, state):
    with pytest.raises(
        InvalidOptionError, match=r"'wide\.lora_A\.weight': expected \(3, 3, 3, 3\), got \(2, 3, 3, 3\)"
    ):
        fold_lora(network, state, ["wide", "flat"], RANK + 1, ALPHA, SOURCE)
    norm = {f"norm.lora_{side}.weight": torch.zeros(1) for side in "AB"}
    with pytest.raises(InvalidOptionError, match="the LoRA adapts 'norm', which this network does not have"):
        fold_lora(network, norm, ["norm"], RANK, ALPHA, SOURCE)
