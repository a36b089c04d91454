import itertools
import json

import torch

from bokehbench.benchmarks.run.scene_record import find_depth_edges, record_scene


def test_depth_edges_lie_on_the_step_and_apart():
    defocus = torch.zeros(1, 80, 120)
    defocus[:, :, 70:] = 9.0
    edges = find_depth_edges(defocus)
    assert 1 <= len(edges) <= 3
    assert all(abs(column - 69.5) <= 5 for _, column in edges)
    rows = sorted(row for row, _ in edges)
    assert all(b - a > 20 for a, b in itertools.pairwise(rows))


def test_smooth_depth_has_no_edges():
    assert find_depth_edges(torch.linspace(-5, 5, 200).repeat(60, 1)[None]) == []


def test_record_is_rewritten_only_when_the_scene_changes(tmp_path, make_scene):
    scene = make_scene(name="a")
    record_scene(tmp_path, "d", "c", scene)
    target = tmp_path / "scenes" / "d" / "a" / "target.png"
    before = target.stat().st_mtime_ns
    record_scene(tmp_path, "d", "c", scene)
    assert target.stat().st_mtime_ns == before
    record_scene(tmp_path, "d", "c", make_scene(name="a", target=scene.image * 0.5))
    assert target.stat().st_mtime_ns != before
    record_scene(tmp_path, "d", "c", make_scene(name="a", blur_strength=1.0))
    record = json.loads((target.parent / "scene.json").read_text())
    assert record["blur_strength"] == 1.0
    assert record["cluster"] == "c"
