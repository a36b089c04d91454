"""What is said of intervals suffices to compute them again."""

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bokehbench.reports.parts.intervals import describe_intervals
from bokehbench.reports.parts.leaderboard import make_leaderboard
from bokehbench.reports.parts.markdown import write_markdown
from bokehbench.reports.parts.paper import make_paper_table, write_paper_csv, write_scene_csv
from bokehbench.reports.report import write_report

DOCS = Path(__file__).parents[3] / "docs"
SCENES_OF_PLACES = (3, 1, 2, 1, 1)


@pytest.fixture
def run(run_writer):
    """Eight scenes of five places."""
    writer = run_writer()
    generator = np.random.default_rng(3)
    for place, count in enumerate(SCENES_OF_PLACES):
        for number in range(count):
            name = f"place {place}, {number}"
            writer.scene("pairs", name, cluster=f"place {place}")
            for renderer in ("plain", "fancy"):
                writer.case("pairs", name, renderer, {"psnr": 30.0 + float(generator.normal()), "lpips": 0.1})
    return writer.open()


def test_the_recipe_of_the_page_gives_the_bounds_of_the_table(run, tmp_path):
    """The page's own code, on the files that a run is written to."""
    table = make_paper_table(run)
    (tmp_path / "scenes.csv").write_text(write_scene_csv(run, table))
    code = re.search(r"```python\n(import numpy.*?)```", (DOCS / "metrics.md").read_text(), re.DOTALL)[1]
    first = next(csv.DictReader(io.StringIO(write_paper_csv(table))))
    assert first["renderer"] == "plain"
    mine = code.replace("synbokeh-mini", "pairs").replace("'classical'", "'plain'")
    done = subprocess.run([sys.executable, "-c", mine], cwd=tmp_path, capture_output=True, text=True, check=True)
    printed = [float(number) for number in done.stdout.strip("[]\n").split()]
    assert printed == pytest.approx([float(first["pairs psnr low"]), float(first["pairs psnr high"])], abs=1e-7)


def test_a_plain_percentile_interval_is_narrower(run):
    cell = make_paper_table(run, metrics=["psnr"]).columns[0].cells["plain"]
    scores = pd.DataFrame([row for row in run.rows if row["renderer"] == "plain"])
    values = [group.map(lambda one: one["psnr"]).to_numpy() for _, group in scores.groupby(
        scores["scene"].str.partition(",")[0], sort=False)["metrics"]]  # fmt: skip
    generator = np.random.default_rng(4)
    means = [np.concatenate([values[i] for i in generator.integers(0, 5, 5)]).mean() for _ in range(4000)]
    low, high = np.quantile(means, [0.025, 0.975])
    assert cell.bounds.high - cell.bounds.low > 1.15 * (high - low)


def test_every_text_with_intervals_says_how(run, tmp_path):
    said = describe_intervals()
    assert "for n = 9 at 0.72 and 99.28 %" in said
    assert "Hesterberg" in said
    first = write_report(run, tmp_path / "reports").read_text()
    assert said in first.partition('id="interval"')[2]
    assert said in write_markdown(make_leaderboard([run]), "command")
    assert said in (DOCS / "leaderboard.md").read_text()
