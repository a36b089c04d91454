"""How far the CPU's lists trace rays."""

import pytest

from bokehbench.renderers.attention.cpu.list_pairs import LOG_TRACED_FROM
from bokehbench.renderers.attention.physics import PisaPhysics

from ..cases import assert_like_reference, features, smooth_geometry


@pytest.mark.parametrize("scale", [1.0, 8.0])
@pytest.mark.parametrize("by_queries", [True, False])
def test_what_is_far_is_traced_only_where_logits_ask(by_queries, scale):
    geometry = smooth_geometry(30.0, batch=2, grid=(20, 33))
    physics = PisaPhysics.from_profile("code", hardness=3.0, rays=1, softmax_over_queries=by_queries)
    pairs = assert_like_reference(geometry, physics, "lists", features(geometry, scale=scale)).pairs
    assert int(pairs.traced.sum()) < len(pairs.partners)
    faintest = float(pairs.log_circle[pairs.starts[:-1] + pairs.traced - 1].max(axis=1).min())
    assert faintest >= -LOG_TRACED_FROM if scale == 1.0 else faintest < -LOG_TRACED_FROM
