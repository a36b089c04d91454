"""Which points a command measures."""

import pytest

from bokehbench.benchmarks.latency.session import plan_points
from bokehbench.benchmarks.request import RunRequest
from bokehbench.core.errors import InvalidOptionError
from bokehbench.core.registry import Entry


def request_for(folder, **values):
    asked = {"renderers": ["identity"], "output": folder, "sizes": [(16, 24)], "radii": [2.0]}
    return RunRequest(**asked | values)


def test_plan_holds_each_point_once_small_first(tmp_path):
    points = plan_points(request_for(tmp_path, sizes=[(32, 32), (16, 16), (32, 32)], radii=[8.0, 2.0, 8.0]))
    assert [(p.height, p.radius_px) for p in points] == [(16, 2.0), (16, 8.0), (32, 2.0), (32, 8.0)]


def test_a_renderer_may_have_further_sizes(tmp_path):
    asked = request_for(tmp_path, renderers=["identity", "classical"], more_sizes=[("classical", (64, 64))])
    points = [(point.renderer, point.height) for point in plan_points(asked)]
    assert points == [("identity", 16), ("classical", 16), ("classical", 64)]
    with pytest.raises(InvalidOptionError, match="--more-sizes bokehdiff: expected one of identity"):
        plan_points(request_for(tmp_path, more_sizes=[("bokehdiff", (64, 64))]))


def test_changed_code_is_another_point(tmp_path, monkeypatch):
    request = request_for(tmp_path, sizes=[(32, 32)], radii=[2.0])
    before = {point.key for point in plan_points(request)}
    assert before == {point.key for point in plan_points(request)}
    monkeypatch.setattr(Entry, "hash_code", lambda entry, plugin: {"module": "changed"})
    assert before.isdisjoint(point.key for point in plan_points(request))
