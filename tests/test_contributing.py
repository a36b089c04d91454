"""The worked example of CONTRIBUTING.md, taken from its text, installed by pip and run from the command line."""

import json
import re
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = [
    f"tests/{place}.py"
    for place in ("renderers/test_contract", "datasets/test_catalogue", "benchmarks/metrics/test_contract")
]
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


@pytest.fixture
def installed(python, example) -> Path:
    """That Python with the example in it.

    ``--no-build-isolation``, which the text needs not, keeps pip from fetching setuptools, which is here.
    """
    assert "`pip install -e .`" in TEXT
    install = [python, "-m", "pip", "install", "--no-build-isolation", "--no-deps", "--no-index", "-e", "."]
    done = subprocess.run(install, cwd=example, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return python


def test_example_keeps_the_contracts_and_runs_as_the_text_says(installed, tmp_path):
    names = {point: name for name, point in re.findall(r'^([\w-]+) = "my_bokeh\.\w+:(\w+)"$', TEXT, re.MULTILINE)}
    assert len(names) == 3
    contracts = [
        installed,
        "-m",
        "pytest",
        "-v",
        "-p",
        "no:cacheprovider",
        *CONTRACTS,
        "-k",
        " or ".join(names.values()),
    ]
    kept = subprocess.run(contracts, cwd=ROOT, capture_output=True, text=True, check=False)
    assert kept.returncode == 0, kept.stdout
    assert all(f"[{name}" in kept.stdout for name in names.values()), kept.stdout
    (command,) = re.findall(r"^python run_bench\.py (--renderers identity,classical,box-blur .*)$", TEXT, re.MULTILINE)
    done = subprocess.run(
        [installed, ROOT / "run_bench.py", *command.split(), "--output", tmp_path / "out"],
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
