"""What differed between two runs: surroundings, code, data."""

from pathlib import Path

from bokehbench.benchmarks.run.store import StoredRun
from bokehbench.benchmarks.statistics.run_comparison import compare_runs

CODE = {"c1": {"my.blur": "1", "my.helper": "1"}, "c2": {"my.blur": "1", "my.helper": "2"}}
DATA = {"d1": {"target": "1", "image": "1"}, "d2": {"target": "2", "image": "1"}}


def make_run(name, *, threads=1, torch="2", code="c1", metric="m", data="d1", **row) -> StoredRun:
    environment = {"threads": threads, "python": "3.11", "packages": {"torch": torch}}
    about = {"unit": "dB", "higher_is_better": True, "available": True, "reason": None, "description": ""}
    meta = {
        "run": name,
        "command": "python run_bench.py",
        "started": "2026-11-20T10:00:00Z",
        "settings": {},
        "environments": {"e": environment},
        "contents": {key: value for key, value in (CODE | DATA).items() if key in (code, data)},
        "renderers": {"blur": {"weights": None}},
        "datasets": {"folder": {"version": "1"}},
        "metrics": {"psnr": about},
    }
    rows = [
        {
            "dataset": "folder", "scene": scene, "renderer": "blur", "seed": 0, "status": "ok", "perturbation": "none",
            "environment": "e", "metrics": {"psnr": 30.0}, "seconds": 1.0, "image_sha256": "1", "data": data,
            "code": {"renderer": code}, "scored_by": {"psnr": metric},
        } | row
        for scene in ("lake", "wood")
    ]  # fmt: skip
    return StoredRun(Path(name), meta, rows)


def test_threads_and_libraries_are_listed():
    comparison = compare_runs(make_run("a"), make_run("b", threads=2, torch="3"))
    assert comparison.settings == [("threads", "1", "2"), ("torch", "2", "3")]


def test_code_is_listed_with_the_modules_that_changed():
    comparison = compare_runs(make_run("a"), make_run("b", code="c2", metric="n"))
    assert comparison.settings == [
        ("code of blur (my.helper)", "c1", "c2"),
        ("code of psnr (parts not recorded)", "m", "n"),
    ]


def test_data_are_listed_scene_by_scene_with_the_part_that_changed():
    comparison = compare_runs(make_run("a"), make_run("b", data="d2"))
    assert comparison.settings == [
        ("data of folder/lake (target)", "d1", "d2"),
        ("data of folder/wood (target)", "d1", "d2"),
    ]


def test_rows_of_another_version_are_compared_as_far_as_they_go():
    old = make_run("a")
    for row in old.rows:
        for name in ("data", "code", "scored_by"):
            del row[name]
    settings = compare_runs(old, make_run("b")).settings
    assert [name for name, _, _ in settings] == [f"data of folder/{s} (parts not recorded)" for s in ("lake", "wood")]


def test_what_one_run_did_not_finish_is_named():
    """A failed case, and one whose row is lost; a renderer that failed everywhere has no line of its own."""
    whole, part, none = make_run("a"), make_run("b"), make_run("c", status="failed")
    part.rows.pop()
    assert compare_runs(whole, whole).alone == []
    assert compare_runs(whole, part).alone == ["blur on folder: 1 case finished in a alone"]
    assert compare_runs(none, whole).alone == ["blur on folder: 2 cases finished in a alone"]


def test_a_record_that_is_lost_of_a_scene_that_is_not_compared_takes_no_verdict():
    whole, part = make_run("a"), make_run("b")
    part.rows.pop()
    for run in (whole, part):
        run.scenes.append({"dataset": "folder", "scene": "lake", "cluster": "lake"})
    assert {change.units for change in compare_runs(whole, part).changes} == {1}
    assert {change.units for change in compare_runs(whole, make_run("c")).changes} == {0}
