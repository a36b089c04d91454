"""What README and its page of results say of scores is what the recorded scores give."""

import re
from pathlib import Path

import pandas as pd
import pytest

from bokehbench.benchmarks.statistics.significance import compare_pairs
from bokehbench.datasets.synthetic.synbokeh_mini import SynBokehMini

ROOT = Path(__file__).resolve().parent.parent
RECORDED = pd.read_csv(ROOT / "benchmarks" / "recorded" / "synbokeh-mini.csv")
TABLES = {
    "README.md": ("psnr", "ssim", "lpips-alex"),
    "docs/results.md": ("psnr", "ssim", "lpips-alex", "psnr-focus", "psnr-edge"),
}
DIGITS = {"ssim": 3, "lpips-alex": 3}


def rows_of(text):
    """Return the cells of the first table of renderers, without the last, and the last, by renderer."""
    found = re.findall(r"^\| `([a-z-]+)`[^|]*\|(.*)\|([^|]*)\|$", text, re.MULTILINE)
    first = {}
    for name, cells, verdict in found:
        if name in first or (first and len(cells.split("|")) != len(next(iter(first.values()))[0])):
            break
        first[name] = (cells.split("|"), verdict.strip())
    return first


def scores_of(metric, renderers):
    return RECORDED.pivot_table(index="scene", columns="renderer", values=metric)[list(renderers)]


def pair_tests(metric, renderers):
    dataset = SynBokehMini()
    scores = scores_of(metric, renderers)
    return compare_pairs(scores, {scene: dataset.cluster(scene) for scene in scores.index})


@pytest.mark.parametrize("document", TABLES)
def test_means_and_verdicts_of_a_table(document):
    rows = rows_of((ROOT / document).read_text(encoding="utf-8"))
    assert len(rows) == 7
    for column, metric in enumerate(TABLES[document]):
        means = scores_of(metric, rows).mean()
        assert {name: cells[column].strip() for name, (cells, _) in rows.items()} == {
            name: f"{means[name]:.{DIGITS.get(metric, 2)}f}" for name in rows
        }
    tests, psnr = pair_tests("psnr", rows), scores_of("psnr", rows).mean()
    for name, (_, verdict) in rows.items():
        if name != "classical":
            direction = "better" if psnr[name] > psnr["classical"] else "worse"
            assert verdict == (direction if tests.differ(name, "classical") else "not distinguishable")


def test_the_best_is_told_from_whom_readme_says():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = rows_of(text)
    tests, psnr = pair_tests("psnr", rows), scores_of("psnr", rows).mean()
    best = psnr.idxmax()
    tied = [name for name in rows if name != best and not tests.differ(name, best)]
    said = re.search(r"\*\*`([a-z-]+)` has the best mean\s+PSNR, ([0-9.]+) dB(, and is distinguishable)?", text)
    assert (said[1], said[2]) == (best, f"{psnr[best]:.2f}")
    assert bool(said[3]) == (not tied)
