"""Group norms whose sums keep their precision in channels last."""

import torch
from torch import nn

from bokehbench.renderers.diffusion.cpu.group_norm import GroupNorm


def test_is_exact_where_the_mean_is_large():
    """PyTorch's own in this layout is off by 0.1 here."""
    x = torch.randn(2, 16, 40, 33, generator=torch.Generator().manual_seed(0)) + 300.0
    norm = nn.GroupNorm(4, 16).requires_grad_(False)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    expected = nn.functional.group_norm(x.double(), 4, norm.weight.double(), norm.bias.double())
    made = GroupNorm(norm)(x.to(memory_format=torch.channels_last))
    torch.testing.assert_close(made.double(), expected, rtol=0, atol=2e-4)
    rows = x.flatten(2)
    torch.testing.assert_close(GroupNorm(norm)(rows), norm(rows), rtol=0, atol=0)


def test_a_uniform_picture_becomes_the_bias():
    norm = nn.GroupNorm(2, 16).requires_grad_(False)
    nn.init.normal_(norm.bias)
    made = GroupNorm(norm)(torch.full((1, 16, 33, 40), 123.456))
    torch.testing.assert_close(made, norm.bias[None, :, None, None].expand_as(made), rtol=0, atol=1e-4)
