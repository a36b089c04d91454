"""The authors' checkpoints and a training's files: read whole, or refused in one line."""

import fractions
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.bokehme.networks import IUNet
from bokehbench.renderers.bokehme.read_weights import read_network


@pytest.fixture
def state(networks):
    return {name: tensor.clone() for name, tensor in networks[1].state_dict().items()}


def test_a_checkpoint_with_numpy_records_beside_the_weights(clone, state):
    read = read_network(IUNet(), clone / "checkpoints/iunet.pth").state_dict()
    assert all(torch.equal(read[name], state[name]) for name in state)


def test_safetensors_in_half_precision_become_float32(tmp_path, state):
    save_file({name: tensor.half() for name, tensor in state.items()}, tmp_path / "iunet.safetensors")
    read = read_network(IUNet(), tmp_path / "iunet.safetensors").state_dict()
    assert all(torch.equal(read[name], state[name].half().float()) for name in state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda state: {"model": {k: v for k, v in state.items() if k != "conv1.conv.bias"}},
            "lacks 'conv1.conv.bias'",
        ),
        (lambda state: {"model": state | {"more": torch.ones(1)}}, "holds, beside the network's, 'more'"),
        (lambda state: {"model": state | {"conv1.conv.bias": torch.ones(16)}}, r"expected \(12,\), got \(16,\)"),
        (lambda state: {"model": state | {"conv1.conv.bias": torch.ones(12).long()}}, "got .* of torch.int64"),
        (lambda state: {"model": state | {"conv1.conv.bias": 7}}, "got int"),
        (lambda state: {"model": state | {"conv1.conv.bias": torch.full((12,), torch.nan)}}, "NaN"),
        (lambda state: state, "expected a checkpoint with weights under 'model'"),
        (lambda _: [1, 2], "expected a checkpoint with weights under 'model'"),
        (lambda state: {"model": state, "seen": fractions.Fraction(1, 2)}, "more than tensors"),
    ],
)
def test_another_content_is_one_line(tmp_path, state, change, message):
    torch.save(change(state), tmp_path / "iunet.pth")
    with pytest.raises((MissingWeightsError, InvalidOptionError), match=message) as caught:
        read_network(IUNet(), tmp_path / "iunet.pth")
    assert "\n" not in str(caught.value)
    assert "iunet.pth" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"x" * 40, pickle.dumps(np.float64(1.0))])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_file_is_one_line(tmp_path, content, suffix):
    (tmp_path / f"iunet{suffix}").write_bytes(content)
    with pytest.raises(MissingWeightsError, match="get it again") as caught:
        read_network(IUNet(), tmp_path / f"iunet{suffix}")
    assert "\n" not in str(caught.value)
