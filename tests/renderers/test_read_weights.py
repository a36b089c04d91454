"""Authors' checkpoints and a training's files: read whole, or refused in one line."""

import fractions
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.read_weights import read_network


def build() -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 12, 1), nn.BatchNorm2d(12))


@pytest.fixture
def state():
    return {name: torch.full_like(tensor, 3) for name, tensor in build().state_dict().items()}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "net.pth"


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_checkpoint_with_numpy_records_beside_the_weights(file, state, prefix):
    kinds = (np.int32, np.int64, np.float32, np.float64)
    beside = {"global_step": 7, "optimizer": {}, "best_eval_steps": [np.zeros(9, kind) for kind in kinds]}
    torch.save({"model": {prefix + name: tensor for name, tensor in state.items()}, **beside}, file)
    read = read_network(build(), file).state_dict()
    assert all(torch.equal(read[name], state[name]) for name in state)


def test_safetensors_in_half_precision_become_float32(tmp_path, state):
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    save_file(half, tmp_path / "net.safetensors")
    read = read_network(build(), tmp_path / "net.safetensors").state_dict()
    assert all(torch.equal(read[name], state[name]) and read[name].dtype == state[name].dtype for name in state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: {"model": {k: v for k, v in state.items() if k != "0.bias"}}, r"lacks '0\.bias'"),
        (lambda state: {"model": state | {"more": torch.ones(1)}}, "holds, beside the network's, 'more'"),
        (lambda state: {"model": state | {"module.0.bias": torch.ones(12)}}, "beside the network's, 'module.0.bias'"),
        (lambda state: {"model": state | {"0.bias": torch.ones(16)}}, r"expected \(12,\), got \(16,\)"),
        (lambda state: {"model": state | {"0.bias": torch.ones(12).long()}}, "got .* of torch.int64"),
        (lambda state: {"model": state | {"1.num_batches_tracked": torch.tensor(0.5)}}, "got .* of torch.float32"),
        (lambda state: {"model": state | {"0.bias": 7}}, "got int"),
        (lambda state: {"model": state | {"0.bias": torch.full((12,), torch.nan)}}, "NaN"),
        (lambda state: {"model": state | {"1.running_var": torch.full((12,), torch.inf)}}, "'1.running_var' holds NaN"),
        (lambda state: state, "expected a checkpoint with weights under 'model'"),
        (lambda _: {"model": {}}, "the file lacks"),
        (lambda _: [1, 2], "expected a checkpoint with weights under 'model'"),
        (lambda state: {"model": state, "seen": fractions.Fraction(1, 2)}, "more than tensors"),
    ],
)
def test_another_content_is_one_line(file, state, change, message):
    torch.save(change(state), file)
    with pytest.raises((MissingWeightsError, InvalidOptionError), match=message) as caught:
        read_network(build(), file)
    assert "\n" not in str(caught.value)
    assert "net.pth" in str(caught.value)


def test_a_truncated_checkpoint_is_one_line(file, state):
    torch.save({"model": state}, file)
    file.write_bytes(file.read_bytes()[:-300])
    with pytest.raises(MissingWeightsError, match=r"net\.pth: not complete, .*get it again"):
        read_network(build(), file)


@pytest.mark.parametrize("content", [b"", b"x" * 40, pickle.dumps(np.float64(1.0))])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_file_is_one_line(tmp_path, content, suffix):
    (tmp_path / f"net{suffix}").write_bytes(content)
    with pytest.raises(MissingWeightsError, match="get it again") as caught:
        read_network(build(), tmp_path / f"net{suffix}")
    assert "\n" not in str(caught.value)
