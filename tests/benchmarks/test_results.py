"""The rows that count, as a table."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bokehbench.benchmarks import results
from bokehbench.benchmarks.run.row_files import RowWriter
from bokehbench.benchmarks.run.scene_record import record_scene
from bokehbench.benchmarks.run.store import StoredRun, read_meta, write_meta
from bokehbench.core.errors import InvalidOptionError

from ..stored_records import META, row

ROOT = Path(__file__).resolve().parents[2]
PSNR = {"unit": "dB", "higher_is_better": True, "description": "PSNR", "available": True, "reason": None}
LPIPS = PSNR | {"unit": "", "higher_is_better": False}


@pytest.fixture
def stored(tmp_path, make_scene):
    """A run ``mine`` whose data were replaced and whose metrics grew: four of its seven lines count."""
    folder = tmp_path / "results" / "mine"
    sweep = META | {"cases": ["new", "eroded"], "metrics": {"psnr": PSNR}}
    write_meta(
        folder,
        META | {"cases": ["new", "other", "failed"], "metrics": {"psnr": PSNR, "lpips": LPIPS}} | {"sweep": sweep},
    )
    record_scene(folder, "d", "a place", make_scene(name="s"))
    with RowWriter(folder) as writer:
        writer.append(row("old", metrics={"psnr": 100.0}))
        writer.append(row("new", metrics={"psnr": 9.0}))
        writer.append(row("other", scene="t", metrics={"psnr": 20.0, "lpips": None}))
        writer.append(row("failed", scene="u", status="failed", reason="torn", metrics={}, seconds=None, image=None))
        writer.append(row("eroded", perturbation="erode", severity=4, metrics={"psnr": 5.0}))
        writer.append(row("new", metrics={"psnr": 9.36, "lpips": 0.5}))
        writer.append(row("of another command", metrics={"psnr": 50.0}))
    return folder


def test_only_the_rows_that_count_are_there(stored):
    table = results.read(stored)
    assert list(table.scene) == ["s", "t", "u"]
    np.testing.assert_equal(table.psnr.to_numpy(), [9.36, 20.0, np.nan])
    np.testing.assert_equal(table.lpips.to_numpy(), [0.5, np.nan, np.nan])
    assert list(table.status) == ["ok", "ok", "failed"]
    assert list(table.cluster.fillna("unknown")) == ["a place", "unknown", "u"]
    assert table.reason[2] == "torn"


def test_scores_by_other_code_than_the_last_command_s_do_not_count(stored):
    meta = read_meta(stored) | {"scored_by": {"psnr": "present", "lpips": "present"}}
    write_meta(stored, meta)
    with RowWriter(stored) as writer:
        writer.append(row("new", metrics={"psnr": 9.0, "lpips": 0.4}, scored_by={"psnr": "present", "lpips": "old"}))
    table = results.read(stored)
    np.testing.assert_equal(table.psnr.to_numpy(), [9.0, np.nan, np.nan])
    assert table.lpips.isna().all()
    notes = StoredRun.open(stored).rows[0]["notes"]
    assert notes == {"lpips": "not scored yet by the metric's present code: give the run's command again"}


def test_metrics_stand_between_the_case_and_its_cost(stored):
    table = results.read(stored)
    assert list(table.columns) == [
        *("dataset", "scene", "cluster", "renderer", "perturbation", "severity", "seed", "device", "dtype", "weights"),
        *("status", "reason", "psnr", "lpips", "seconds", "peak_memory_mb", "image", "input", "disparity"),
        *("backend", "environment", "time"),
    ]
    assert {str(table[name].dtype) for name in ("psnr", "lpips", "severity", "seconds", "peak_memory_mb")} == {
        "float64"
    }
    assert all(name in results.read.__doc__ for name in table.columns if name not in ("psnr", "lpips"))


def test_a_sweep_is_read_apart(stored):
    table = results.read(stored, sweep=True)
    assert list(zip(table.severity, table.psnr, strict=True)) == [(0.0, 9.36), (4.0, 5.0)]


def test_the_documented_lines_give_drops_and_a_curve(stored, monkeypatch):
    """Two axes share the clean case; the case whose clean one is not there keeps its line."""
    meta = read_meta(stored)
    meta["sweep"]["cases"] = ["new", "eroded", "zoomed", "alone"]
    write_meta(stored, meta)
    with RowWriter(stored) as writer:
        writer.append(row("zoomed", perturbation="zoom", severity=4, metrics={"psnr": 6.0}))
        writer.append(row("alone", scene="t", perturbation="erode", severity=4, metrics={"psnr": 8.0}))
    usage = ROOT / "docs" / "usage.md"
    blocks = re.findall(r"```python\n(.*?)```", usage.read_text(encoding="utf-8"), re.DOTALL)
    (lines,) = [block for block in blocks if "sweep=True" in block]
    monkeypatch.chdir(stored.parent.parent)
    found = {"results": results}
    exec(lines.replace('"default"', '"mine"'), found)  # noqa: S102 - the lines are this repository's own
    drops = found["drops"].sort_values(["perturbation", "scene"])
    assert list(drops.perturbation) == ["erode", "erode", "zoom"]
    np.testing.assert_allclose(drops["drop"], [4.36, np.nan, 3.36])
    assert sorted(zip(found["curve"].severity, found["curve"].psnr, strict=True)) == [
        (0.0, 9.36),
        (4.0, 5.0),
        (4.0, 8.0),
    ]


def test_the_module_is_found_above_a_clone_that_has_results(tmp_path):
    """Python takes a folder ``bokehbench`` where it is started for a part of the package, whatever lies in it."""
    clone = tmp_path / "bokehbench"
    (clone / "results").mkdir(parents=True)
    for folder in ("benchmarks", "core", "datasets", "renderers"):
        (clone / folder).symlink_to(ROOT / folder)
    code = "from bokehbench.benchmarks import results; results.read"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_run_has_a_name_and_a_folder(stored, monkeypatch):
    whole = results.read(stored)
    assert results.read(str(stored)).equals(whole)
    assert results.read("mine", stored.parent.parent).equals(whole)
    monkeypatch.chdir(stored.parent.parent)
    assert results.read("mine").equals(whole)


def test_mistakes_are_one_line(stored, tmp_path):
    with pytest.raises(InvalidOptionError, match=r"^/.*/results/yours: no run is stored here: .* with output=DIR$"):
        results.read("yours", tmp_path)
    write_meta(stored, META | {"metrics": {"seed": PSNR}})
    with pytest.raises(InvalidOptionError, match="name of a column: seed"):
        results.read(stored)
    with pytest.raises(InvalidOptionError, match="no robustness sweep"):
        results.read(stored, sweep=True)


def test_an_empty_run_has_the_same_columns(stored):
    whole = results.read(stored)
    (stored / "rows-00000.jsonl").unlink()
    empty = results.read(stored)
    assert list(empty.columns) == list(whole.columns)
    assert len(empty) == 0
