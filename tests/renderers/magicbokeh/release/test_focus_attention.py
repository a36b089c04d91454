"""Focus-aware attention against its definition over all pairs, and what its mask is."""

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.magicbokeh.release.focus_attention import FocusMask, FocusProcessor, masking

HEADS, CHANNELS, RANK = 2, 8, 3


@pytest.fixture(scope="module")
def layer():
    """diffusers' attention over 8 channels, and the processor with random weights."""
    from bokehbench.core.diffusers import Attention

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Attention(CHANNELS, heads=HEADS, dim_head=CHANNELS // HEADS), FocusProcessor(CHANNELS, RANK, 1 / RANK)


@pytest.fixture
def mask():
    """Two pictures of 32 px: the left half in focus in one, the upper half in the other."""
    in_focus = torch.zeros(2, 1, 32, 32, dtype=torch.bool)
    in_focus[0, :, :, :16] = in_focus[1, :, :16] = True
    return FocusMask(in_focus, (4, 4))


def in_words(attn, processor, hidden, added):
    """O = W_o softmax(q k / sqrt d) v + bias + s B_o A_o softmax(q' k' / sqrt d + M) v', one picture, head by head."""
    changes = processor.to_q_lora, processor.to_k_lora, processor.to_v_lora
    plain = [project(hidden) for project in (attn.to_q, attn.to_k, attn.to_v)]
    changed = [x + processor.scale * change(hidden) for x, change in zip(plain, changes, strict=True)]
    mixed = []
    for (q, k, v), lowered in ((plain, 0.0), (changed, added)):
        parts = [x.split(CHANNELS // HEADS, dim=1) for x in (q, k, v)]
        heads = [
            ((a @ b.T) / (CHANNELS // HEADS) ** 0.5 + lowered).softmax(dim=1) @ c
            for a, b, c in zip(*parts, strict=True)
        ]
        mixed.append(torch.cat(heads, dim=1))
    return attn.to_out[0](mixed[0]) + processor.scale * processor.to_out_lora(mixed[1])


@torch.no_grad()
def test_batch_is_what_each_picture_is_by_definition(layer, mask):
    attn, processor = layer
    hidden = torch.randn(2, 16, CHANNELS, generator=torch.Generator().manual_seed(1))
    with masking(mask):
        found = processor(attn, hidden)
    for i in range(2):
        expected = in_words(attn, processor, hidden[i], mask.added_to_scores(16)[i, 0])
        torch.testing.assert_close(found[i], expected)


@torch.no_grad()
def test_starts_as_plain_attention(layer, mask):
    from bokehbench.core.diffusers import AttnProcessor2_0

    attn, _ = layer
    processor, hidden = FocusProcessor(CHANNELS, RANK, 1 / RANK), torch.randn(2, 16, CHANNELS)
    for change in (processor.to_q_lora, processor.to_k_lora, processor.to_v_lora, processor.to_out_lora):
        change[1].weight.zero_()
    with masking(mask):
        assert torch.equal(processor(attn, hidden), AttnProcessor2_0()(attn, hidden))


def test_mask_keeps_the_planes_apart_in_both_directions(mask):
    added = mask.added_to_scores(16)
    assert torch.equal(added, added.transpose(2, 3))
    left = torch.arange(16) % 4 < 2
    assert torch.equal(added[0, 0] == 0.0, left[:, None] == left)
    assert set(added.unique().tolist()) == {-100.0, 0.0}
    assert mask.added_to_scores(4).shape == (2, 1, 4, 4)


@pytest.mark.parametrize("sharp", [True, False])
def test_nothing_is_masked_where_all_is_in_focus_or_nothing(sharp):
    assert FocusMask(torch.full((1, 1, 32, 32), sharp), (4, 4)).added_to_scores(16) is None


def test_top_left_px_of_a_token_decides():
    in_focus = torch.zeros(1, 1, 16, 16, dtype=torch.bool)
    in_focus[..., :1, :1] = in_focus[..., 1:8, 9:] = True
    added = FocusMask(in_focus, (2, 2)).added_to_scores(4)[0, 0]
    assert (added[0] == 0.0).tolist() == [True, False, False, False]


def test_attention_without_a_mask_is_refused(layer):
    attn, processor = layer
    with pytest.raises(InvalidOptionError, match="has no mask"):
        processor(attn, torch.zeros(1, 4, CHANNELS))
