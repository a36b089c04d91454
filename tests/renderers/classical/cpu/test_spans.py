"""What only the compiled spans must hold; ``../test_reference.py`` compares them with the definition."""

import pytest
import torch

from bokehbench.benchmarks.kernels.direct_scatter import scatter_direct
from bokehbench.renderers.classical.cpu.spans import scatter_spans

from ..scenes import noise


@pytest.mark.parametrize("small_px", [3.0, 5.0])
@pytest.mark.parametrize("size", [10, 16, 30])
def test_spans_hold_where_little_light_arrives(small_px, size):
    """A dark blob with large discs keeps little weight of its own: the tails of its neighbours decide."""
    radius, linear = torch.full((48, 52), small_px), torch.ones(3, 48, 52)
    radius[9 : 9 + size, 11 : 11 + size], linear[:, 9 : 9 + size, 11 : 11 + size] = 64.0, 0.0
    torch.testing.assert_close(scatter_spans(linear, radius), scatter_direct(linear, radius), rtol=0, atol=1e-4)


def test_spans_give_the_same_bits_for_any_number_of_threads():
    linear, radius = noise(70, 60), 20 * noise(70, 60, 1)[0]
    radius[20:40, 20:40] = 300.0  # little weight: these rows are rendered twice
    linear[:, 10, 10] = 50.0
    one = scatter_spans(linear, radius, threads=1)
    for threads in (2, 3, 8, 100):
        assert torch.equal(one, scatter_spans(linear, radius, threads=threads))


def test_spans_read_tensors_that_are_not_contiguous():
    linear, radius = noise(12, 15), 4 * noise(12, 15, 1)[0]
    strided = linear.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    assert torch.equal(scatter_spans(strided, radius.T.contiguous().T), scatter_spans(linear, radius))
