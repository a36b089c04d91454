"""Which pairs a plan keeps, and how it is built."""

import pytest

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.attention.physics import PisaPhysics
from bokehbench.renderers.attention.plan import build_plan

from .cases import METHODS, assert_like_reference, features, smooth_geometry


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("by_queries", [True, False])
def test_the_plan_widens_where_logits_differ_by_twenty(by_queries, method):
    """A cut at negligible C alone would lose pairs that a large logit lifts."""
    geometry = smooth_geometry(20.0)
    inputs = features(geometry, scale=8.0)
    physics = PisaPhysics(hardness=30.0, softmax_over_queries=by_queries)
    S = inputs[0] @ inputs[1].transpose(-1, -2) / 8**0.5
    assert float((S.max() - S.min()).detach()) > 40
    plan = assert_like_reference(geometry, physics, method, inputs, headroom=1.0)
    assert plan.headroom > 20


def test_an_unknown_method_is_named():
    with pytest.raises(InvalidOptionError, match="lists, tiles"):
        build_plan(smooth_geometry(30.0), PisaPhysics(), method="lines")
