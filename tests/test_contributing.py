"""The worked example of CONTRIBUTING.md, taken from its text, installed by pip and run from the command line."""

import json
import re
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture
def python(tmp_path) -> Path:
    """The Python of a new environment that holds all that this one does."""
    folder = tmp_path / "venv"
    venv.create(folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    here = sysconfig.get_path("purelib")
    (packages / "outer.pth").write_text(f"import site; site.addsitedir({here!r})\n")  # its .pth files count, too
    return folder / "bin" / "python"


@pytest.fixture
def example(tmp_path) -> Path:
    """A folder with the example's files, as the text gives them."""
    folder = tmp_path / "example"
    modules = re.findall(r"`(my_bokeh/\w+\.py)`\n\n```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(modules) == 3
    (folder / "my_bokeh").mkdir(parents=True)
    for name, code in modules:
        (folder / name).write_text(code, encoding="utf-8")
    (table,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    (folder / "pyproject.toml").write_text(table, encoding="utf-8")
    return folder


def test_example_installs_and_runs_as_the_text_says(python, example, tmp_path):
    """``--no-build-isolation``, which the text needs not, keeps pip from fetching setuptools, which is here."""
    assert "`pip install -e .`" in TEXT
    install = [python, "-m", "pip", "install", "--no-build-isolation", "--no-deps", "--no-index", "-e", "."]
    installed = subprocess.run(install, cwd=example, capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stderr
    (command,) = re.findall(r"^python run_bench\.py (--renderers identity,classical,box-blur .*)$", TEXT, re.MULTILINE)
    done = subprocess.run(
        [python, ROOT / "run_bench.py", *command.split(), "--output", tmp_path / "out"],
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
