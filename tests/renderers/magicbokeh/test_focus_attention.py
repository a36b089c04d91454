"""Focus-aware masked attention against its definition, in each form."""

import pytest
import torch
from torch import nn

from bokehbench.renderers.magicbokeh.focus_attention import (
    LowRank,
    SelfAttention,
    attend,
    block_pattern,
    focus_tokens,
)

HEADS, CHANNELS = 2, 16


@pytest.fixture(scope="module")
def layers():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        attention, side = SelfAttention(CHANNELS, HEADS, 4), LowRank(CHANNELS, 4)
        for layer in (attention.out, *side.up.values()):
            nn.init.normal_(layer.weight, std=0.1)
        yield attention.requires_grad_(False), side.requires_grad_(False), torch.randn(2, CHANNELS, 4, 6)


@pytest.fixture
def in_focus():
    return torch.rand(2, 24, generator=torch.Generator().manual_seed(1)) > 0.5


def attend_plainly(x, attention, side, mask, form):
    """The source's formulas, pair by pair."""
    tokens = attention.norm(x).flatten(2).transpose(1, 2)

    def heads(values):
        return values.unflatten(2, (HEADS, -1)).transpose(1, 2)

    def softmax(q, k, v, added):
        scores = heads(q) @ heads(k).transpose(2, 3) / (CHANNELS / HEADS) ** 0.5 + added
        return (scores.softmax(-1) @ heads(v)).transpose(1, 2).flatten(2)

    plain = attention.query(tokens), attention.key(tokens), attention.value(tokens)
    changed = [values + side.change(name, tokens) for name, values in zip("qkv", plain, strict=True)]
    masked = softmax(*changed, 0.0 if form == "unmasked" else mask[:, None])
    first = masked if form == "paper" else softmax(*plain, 0.0)
    added = attention.out(first) + side.change("o", masked)
    return x + added.transpose(1, 2).unflatten(2, x.shape[-2:])


@pytest.mark.parametrize("form", ["code", "paper", "unmasked"])
@pytest.mark.parametrize("lowest", [-100.0, float("-inf")])
def test_it_is_what_the_source_says(layers, in_focus, form, lowest):
    attention, side, x = layers
    expected = attend_plainly(x, attention, side, block_pattern(in_focus).clamp(min=lowest), form)
    torch.testing.assert_close(attend(x, attention, side, in_focus, form), expected, atol=2e-6, rtol=0.0)


def test_nothing_passes_between_the_kinds(layers, in_focus):
    attention, side, x = layers
    changed = x.clone()
    changed.flatten(2)[:, :, :] += torch.where(in_focus[:, None], 1.0, 0.0)
    attention.norm = nn.Identity()  # it sees all tokens
    before, after = (attend(maps, attention, side, in_focus, "paper").flatten(2) for maps in (x, changed))
    same = (before == after).all(dim=1)
    assert torch.equal(same, ~in_focus)


@pytest.mark.parametrize("form", ["code", "paper"])
def test_one_kind_alone_masks_nothing_and_each_sample_has_its_own_mask(layers, in_focus, form):
    attention, side, x = layers
    alike = in_focus.clone()
    alike[0] = True
    made, unmasked = (attend(x, attention, side, kinds, form) for kinds in (alike, None))
    torch.testing.assert_close(made[0], unmasked[0], atol=2e-6, rtol=0.0)
    assert torch.equal(made[1], attend(x, attention, side, in_focus, form)[1])
    assert float((made[1] - unmasked[1]).abs().max()) > 1e-3


def test_gradients_reach_every_token(layers, in_focus):
    attention, side, x = layers
    given = x.clone().requires_grad_(True)
    attend(given, attention, side, in_focus, "paper").square().sum().backward()
    assert bool((given.grad != 0.0).all())


def test_a_mask_is_reduced_as_each_form_says():
    defocus = torch.full((1, 1, 8, 8), 0.5)
    defocus[..., 0, 0] = 0.1  # the first pixel of a token, and no other
    defocus[..., 1:4, 4:8] = 0.0  # most of one, but for its first row
    assert focus_tokens(defocus, 0.1, 4, "code").tolist() == [[True, False, False, False]]
    assert focus_tokens(defocus, 0.1, 4, "paper").tolist() == [[False, True, False, False]]
