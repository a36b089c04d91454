"""The counts of the estimate on a network whose answer is known by hand."""

import torch
from torch import nn

from bokehbench.training.bokehdiff.estimate_sdxl import META, _count


def test_counts_of_a_perceptron(capsys):
    """Two layers of 4096 squared on 16384 rows: 2^40 operations; input and hidden rows are kept, 256 MiB each."""
    with META:
        network = nn.Sequential(nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 4096))
    _count("net", network, lambda x: x(torch.empty(16384, 4096, device=META)))
    assert capsys.readouterr().out == "net: 33.6 M parameters, 1.10 TFLOP forward, 0.50 GiB kept for backward\n"


def test_attention_keeps_no_weights_of_pairs(capsys):
    """Queries, keys, values and output of 16384 tokens are 4 * 4 MiB; a matrix of pairs would be 1 GiB."""

    def attend(_):
        tokens = torch.empty(1, 1, 16384, 64, device=META, requires_grad=True)
        nn.functional.scaled_dot_product_attention(tokens, tokens + 1, tokens + 2)

    _count("attention", nn.Identity(), attend)
    assert capsys.readouterr().out == "attention: 0.0 M parameters, 0.07 TFLOP forward, 0.02 GiB kept for backward\n"
