"""The compiled painting of layers against direct convolutions."""

import pytest
import torch

from bokehbench.benchmarks.kernels.direct_layers import paint_directly
from bokehbench.renderers.defocus_to_focus.cpu.paint_layers import mirrored, paint_layers
from bokehbench.renderers.defocus_to_focus.layered import paint_by_transforms
from bokehbench.renderers.defocus_to_focus.layering import Layering
from bokehbench.renderers.mirror import mirror

TOLERANCE = 1e-4


@pytest.mark.parametrize("size", [(24, 40), (9, 7), (1, 5)])
@pytest.mark.parametrize(
    "layering",
    [
        Layering(),
        Layering(order="signed"),
        Layering(count=8, kernel="hard", scale=1.3),
        Layering(count=30, scale=0.4, hardness=10.0),
    ],
    ids=["published", "signed", "hard", "many"],
)
def test_it_paints_what_convolutions_do(size, layering):
    generator = torch.Generator().manual_seed(0)
    values, defocus = (torch.rand(1, count, *size, generator=generator) for count in (4, 1))
    defocus[..., : size[1] // 2] = 0.9
    if layering.order == "signed":
        defocus = 2.0 * defocus - 1.0
    expected = paint_directly(values, defocus, layering)
    for painted in (
        paint_layers(values[0], defocus[0, 0], layering)[None],
        paint_by_transforms(values, defocus, layering),
    ):
        assert float((painted - expected).abs().max()) < TOLERANCE


@pytest.mark.parametrize("level", [0.0, 1.0 / 14.0, 0.5, 1.0])
def test_layers_that_hold_nothing_leave_what_is_there(level):
    values = torch.rand(3, 20, 24, generator=torch.Generator().manual_seed(1))
    defocus = torch.full((20, 24), level)
    expected = paint_directly(values[None], defocus[None, None], Layering())
    assert float((paint_layers(values, defocus, Layering()) - expected[0]).abs().max()) < TOLERANCE


@pytest.mark.parametrize("length", [1, 2, 5])
def test_borders_are_mirrored_again_and_again(length):
    row = torch.arange(float(length)).expand(1, 1, 1, length)
    by_torch = mirror(row, 7)[0, 0, 0].tolist()
    assert by_torch == [float(mirrored(place, length)) for place in range(-7, length + 7)]
