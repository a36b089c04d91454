"""Strips cover every row once and share the work."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bokehbench.renderers.classical.cpu.strips import map_strips, run_strips, split_rows


@given(st.lists(st.floats(0.5, 100), min_size=1, max_size=40), st.integers(1, 50))
def test_strips_cover_every_row_once(work, count):
    strips = split_rows(np.array(work), count)
    assert [row for top, bottom in strips for row in range(top, bottom)] == list(range(len(work)))
    assert len(strips) <= count


def test_strips_share_the_work():
    work = np.linspace(1, 9, 1000)
    shares = [work[top:bottom].sum() / work.sum() for top, bottom in split_rows(work, 4)]
    assert shares == pytest.approx([0.25] * 4, abs=0.01)


def test_an_error_in_a_strip_surfaces():
    def fail(top, bottom):
        raise ValueError(f"rows {top} to {bottom}")

    with pytest.raises(ValueError, match="rows 3 to 5"):
        run_strips(fail, [(3, 5)], threads=2)


def test_an_operation_in_pieces_does_not_depend_on_threads():
    image = torch.rand(3, 119, 251, generator=torch.Generator().manual_seed(0)).transpose(1, 2)
    one, three = (map_strips(lambda piece: piece**2.2, image, threads) for threads in (1, 3))
    assert torch.equal(one, three)
    torch.testing.assert_close(one, image.contiguous() ** 2.2, rtol=1e-6, atol=0)
