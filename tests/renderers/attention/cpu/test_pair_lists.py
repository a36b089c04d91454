"""How far the CPU's lists trace rays."""

import pytest
import torch

from bokehbench.renderers.attention.cpu.list_pairs import LOG_TRACED_FROM
from bokehbench.renderers.attention.pairs import pisa_fast
from bokehbench.renderers.attention.physics import PisaPhysics

from ..cases import assert_like_reference, features, in_float32, plan_in_float32, smooth_geometry


@pytest.mark.parametrize("scale", [1.0, 8.0])
@pytest.mark.parametrize("by_queries", [True, False])
def test_what_is_far_is_traced_only_where_logits_ask(by_queries, scale):
    geometry = smooth_geometry(30.0, batch=2, grid=(20, 33))
    physics = PisaPhysics.from_profile("code", hardness=3.0, rays=1, softmax_over_queries=by_queries)
    pairs = assert_like_reference(geometry, physics, "lists", features(geometry, scale=scale)).pairs
    assert int(pairs.traced.sum()) < len(pairs.partners)
    faintest = float(pairs.log_circle[pairs.starts[:-1] + pairs.traced - 1].max(axis=1).min())
    assert faintest >= -LOG_TRACED_FROM if scale == 1.0 else faintest < -LOG_TRACED_FROM


def test_gradients_of_a_layer_whose_plan_a_later_layer_widened():
    """The wider lists start untraced; the earlier layer has looked farther than they have."""
    geometry = smooth_geometry(30.0, batch=2, grid=(20, 33))
    physics = PisaPhysics.from_profile("code", hardness=3.0, rays=1)
    earlier, later = in_float32(*features(geometry, scale=4.0)), in_float32(*features(geometry, scale=0.5))
    with torch.no_grad():
        later[0][0, 0, 0] *= 2000.0  # a single loud query asks for wider lists, not for a look at them
    cotangent = torch.randn(earlier[0].shape, generator=torch.Generator().manual_seed(3))
    alone = plan_in_float32(geometry, physics, method="lists", headroom=18.0)
    expected = torch.autograd.grad(pisa_fast(*earlier, alone), earlier, cotangent)
    shared = plan_in_float32(geometry, physics, method="lists", headroom=18.0)
    output = pisa_fast(*earlier, shared)
    pairs, headroom = shared.pairs, shared.headroom
    pisa_fast(*later, shared)
    assert shared.headroom > headroom
    assert int((pairs.traced > shared.pairs.traced).sum()) > 0
    for gradient, reference in zip(torch.autograd.grad(output, earlier, cotangent), expected, strict=True):
        torch.testing.assert_close(gradient, reference, rtol=0, atol=1e-4 * float(reference.abs().max()))
