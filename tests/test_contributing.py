"""The worked example of CONTRIBUTING.md, taken from its text, installed as a package and run from the command line."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def install_example(site: Path) -> None:
    """Write the example's modules and its entry points where Python finds installed packages."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    modules = re.findall(r"`(my_bokeh/\w+\.py)`\n\n```python\n(.*?)```", text, re.DOTALL)
    assert len(modules) == 3
    (site / "my_bokeh").mkdir(parents=True)
    for name, code in modules:
        (site / name).write_text(code, encoding="utf-8")
    (table,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    groups = tomllib.loads(table)["project"]["entry-points"]
    assert set(groups) == {"bokehbench.renderers", "bokehbench.datasets", "bokehbench.metrics"}
    info = site / "my_bokeh-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-bokeh\nVersion: 0.1\n")
    lines = [line for g, points in groups.items() for line in (f"[{g}]", *(f"{k} = {v}" for k, v in points.items()))]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


def test_example_runs_as_the_text_says(tmp_path):
    install_example(tmp_path / "site")
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^python run_bench\.py (--renderers identity,classical,box-blur .*)$", text, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, ROOT / "run_bench.py", *command.split(), "--output", tmp_path / "out"],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "out" / "results" / "default" / "rows-00000.jsonl").read_text().splitlines()
    scores = {(row["renderer"], row["scene"]): row["metrics"] for row in map(json.loads, rows)}
    assert len(scores) == 6
    assert scores["box-blur", "narrow"]["psnr"] > scores["identity", "narrow"]["psnr"]
    assert scores["box-blur", "narrow"]["mean-difference"] < scores["identity", "narrow"]["mean-difference"]
    assert (tmp_path / "out" / "reports" / "index.html").exists()
