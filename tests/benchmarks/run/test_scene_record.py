import itertools
import json

import pytest
import torch

from bokehbench.benchmarks.run.scene_record import find_depth_edges, is_recorded, read_scene_record, record_scene
from bokehbench.core.errors import DamagedRecordError


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


def test_a_record_that_was_changed_is_damaged_and_written_again(tmp_path, make_scene):
    """Clusters decide about every interval and test."""
    scene = make_scene(name="a")
    record_scene(tmp_path, "d", "c", scene)
    path = tmp_path / "scenes" / "d" / "a" / "scene.json"
    path.write_text(path.read_text().replace('"cluster": "c"', '"cluster": "mine"'))
    with pytest.raises(DamagedRecordError, match="it was changed after it was written"):
        read_scene_record(tmp_path, "d", "a")
    assert not is_recorded(tmp_path, "d", "a")
    record_scene(tmp_path, "d", "c", scene)
    assert read_scene_record(tmp_path, "d", "a")["cluster"] == "c"
    assert is_recorded(tmp_path, "d", "a")


def test_a_record_of_an_earlier_version_is_read_and_sealed_by_the_next_command(tmp_path, make_scene):
    scene = make_scene(name="a", f_number=4)
    record_scene(tmp_path, "d", "c", scene)
    path = tmp_path / "scenes" / "d" / "a" / "scene.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in content.items() if name != "digest"}))
    assert read_scene_record(tmp_path, "d", "a")["cluster"] == "c"
    assert not is_recorded(tmp_path, "d", "a")
    record_scene(tmp_path, "d", "c", scene)
    assert json.loads(path.read_text()) == content


def test_a_cluster_that_is_no_text_is_refused_before_anything_is_written(tmp_path, make_scene):
    with pytest.raises(DamagedRecordError, match="d / a: cluster: expected a valid string, got 3"):
        record_scene(tmp_path, "d", 3, make_scene(name="a"))
    assert not list(tmp_path.iterdir())
