"""Nothing stale: a command given again after an edit of code or data never shows results of what was there before."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from .miniatures import miniatures  # noqa: F401 - a fixture

ROOT = Path(__file__).resolve().parent.parent

RENDERER = """
from bokehbench.renderers.interface import Capabilities, Renderer
from plug_helper import dim

class Dimmed(Renderer):
    name = "dimmed"
    capabilities = Capabilities()

    def _render(self, scene, seed):
        return dim(scene.image)
"""
HELPER = "def dim(image):\n    return image * {factor}\n"
METRIC = """
from bokehbench.benchmarks.metrics.interface import Metric

class Difference(Metric):
    name = "difference"
    higher_is_better = False
    description = "for tests"

    def score(self, prediction, scene):
        return {factor} * float((prediction - scene.target).abs().mean())
"""
ENTRY_POINTS = """
[bokehbench.renderers]
dimmed = plug_renderer:Dimmed

[bokehbench.metrics]
difference = plug_metric:Difference
"""


@pytest.fixture
def site(tmp_path):
    """An installed package of three modules that lie in no folder of their own."""
    folder = tmp_path / "site-packages"
    info = folder / "plug-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    modules = {
        "plug_renderer": RENDERER,
        "plug_helper": HELPER.format(factor=0.5),
        "plug_metric": METRIC.format(factor=1),
    }
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    (info / "RECORD").write_text("".join(f"{name}.py,,\n" for name in modules))
    return folder


@pytest.fixture
def scenes(tmp_path, miniatures):  # noqa: F811
    folder = tmp_path / "scenes"
    for number, name in enumerate(("lake", "wood")):
        made = miniatures.make_blurred(seed=number)
        miniatures.write_user_scene(folder / name, made, focus_at=[32, 24], max_radius_px=8)
    return folder


def rows_of(output: Path) -> dict[tuple[str, str], dict]:
    """The rows that the last command's cases have."""
    folder = output / "results" / "default"
    rows = [json.loads(line) for line in (folder / "rows-00000.jsonl").read_text().splitlines()]
    newest = {row["key"]: row for row in rows}
    cases = json.loads((folder / "run.json").read_text())["cases"]
    return {(newest[key]["renderer"], newest[key]["scene"]): newest[key] for key in cases}


def test_edits_of_a_plugin(site, scenes, tmp_path):
    def run() -> tuple[list[str], dict]:
        command = ["--renderers", "identity,dimmed", "--datasets", "folder", "--metrics", "psnr,difference"]
        done = subprocess.run(
            [sys.executable, ROOT / "run_bench.py", *command, "--data-root", scenes, "--output", tmp_path / "out"],
            env=os.environ | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[:-1], rows_of(tmp_path / "out")

    said, first = run()
    assert said == []
    (site / "plug_helper.py").write_text(HELPER.format(factor=0.25))
    said, second = run()
    assert said[0].startswith("kept 2 cases finished 20")
    assert said[1:] == ["rendered again: 2 cases of dimmed: its code changed (plug_helper)"]
    for scene in ("lake", "wood"):
        assert second["identity", scene] == first["identity", scene]
        assert second["dimmed", scene]["image_sha256"] != first["dimmed", scene]["image_sha256"]
        assert second["dimmed", scene]["metrics"]["psnr"] != first["dimmed", scene]["metrics"]["psnr"]

    (site / "plug_metric.py").write_text(METRIC.format(factor=100))
    (site / "plug_helper.py").write_text(HELPER.format(factor=0.5))
    said, third = run()
    assert said[0].startswith("kept 4 cases"), "the first pictures are those of this code"
    assert said[1:] == ["scored again: 4 cases: code of difference changed (plug_metric)"]
    for case, row in third.items():
        assert row["metrics"]["difference"] == pytest.approx(100 * first[case]["metrics"]["difference"])
        for name in ("image_sha256", "time", "seconds"):
            assert row[name] == first[case][name], "rendered once"


def test_edits_of_data(scenes, tmp_path, run_bench):
    """A blob in a map is repaired; a target moves to another scene. Files that no scene uses come and go."""
    sound = np.load(scenes / "lake" / "disparity.npy")
    damaged = sound.copy()
    damaged[20:24, 30:40] += 0.5
    np.save(scenes / "lake" / "disparity.npy", damaged)
    command = ["--renderers", "classical", "--datasets", "folder", "--metrics", "psnr,ssim", "--data-root", scenes]

    def run() -> tuple[list[str], dict]:
        done = run_bench(*command, "--output", tmp_path / "out")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[:-1], rows_of(tmp_path / "out")

    _, first = run()
    np.save(scenes / "lake" / "disparity.npy", sound)
    (scenes / "lake" / ".DS_Store").write_text("x")
    (scenes / "wood" / "notes.txt").write_text("x")
    said, second = run()
    assert said[0].startswith("kept 1 case ")
    assert said[1:] == ["rendered again: 1 case of folder (lake): data changed (disparity)"]
    assert second["classical", "wood"] == first["classical", "wood"]
    assert second["classical", "lake"]["metrics"] != first["classical", "lake"]["metrics"]

    np.save(scenes / "lake" / "disparity.npy", damaged)
    said, again = run()
    assert said[0].startswith("kept 2 cases ")
    assert again == first
    record = json.loads((tmp_path / "out/results/default/scenes/folder/lake/scene.json").read_text())
    shown = record["data"].split()[0]  # the code of the data set stands behind it
    assert shown == first["classical", "lake"]["data"], "the pictures of the scene are those of the row, too"

    np.save(scenes / "lake" / "disparity.npy", sound)
    run()
    (scenes / "lake" / "target.png").replace(scenes / "wood" / "target.png")
    np.save(scenes / "lake" / "target.npy", np.full((48, 64, 3), 0.5, np.float32))
    said, third = run()
    assert said == [
        "rendered again: 2 cases of folder (lake, wood): data changed (target)",
    ]
    for name in ("psnr", "ssim"):
        assert third["classical", "lake"]["metrics"][name] != second["classical", "lake"]["metrics"][name]
