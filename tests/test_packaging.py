"""The layout: every package is listed, imports go one way, and ``import datasets`` means Hugging Face's package."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {
    "core": set(),
    "renderers": {"core"},
    "datasets": {"core"},
    "benchmarks": {"core", "renderers", "datasets"},
    "robustness": {"core", "renderers", "datasets", "benchmarks"},
    "reports": {"core", "renderers", "datasets", "benchmarks", "robustness"},
    "training": {"core", "renderers", "datasets", "benchmarks", "robustness"},
}
"""What each root folder may import beside itself."""


WINGS = {"report": {"pages", "parts", "files"}, "pages": {"parts", "files"}, "parts": {"files"}, "files": set()}
"""What each part of ``reports`` may import of the others; a page never imports another page."""


def modules():
    return [path for folder in FLOORS for path in sorted((ROOT / folder).rglob("*.py"))]


def bokehbench_imports(path: Path):
    """Yield the dotted name, inside bokehbench, of everything that a module imports from the project."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            yield ".".join((*base, node.module or ""))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bokehbench."):
            yield node.module.removeprefix("bokehbench.")
        elif isinstance(node, ast.Import):
            yield from (a.name.removeprefix("bokehbench.") for a in node.names if a.name.startswith("bokehbench."))


def test_every_package_is_listed():
    """A missing entry works in an editable install and is absent from the wheel."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {path.parent.relative_to(ROOT) for path in modules()}
    assert set(settings["packages"]) == {"bokehbench." + ".".join(folder.parts) for folder in folders}


def test_datasets_folder_shadows_nothing():
    assert not (ROOT / "datasets" / "__init__.py").exists()
    assert not (ROOT / "__init__.py").exists()


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    folder = path.relative_to(ROOT).parts[0]
    foreign = {name.partition(".")[0] for name in bokehbench_imports(path)} - FLOORS[folder] - {folder}
    assert not foreign, f"{folder} must not import {foreign}"


@pytest.mark.parametrize("path", sorted((ROOT / "reports").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_of_a_report_are_made_of_parts_and_parts_of_files(path):
    wing, *deeper = path.relative_to(ROOT / "reports").with_suffix("").parts
    mine = ".".join(("reports", wing, *deeper))
    names = {name for name in bokehbench_imports(path) if name.startswith("reports.")}
    foreign = {name for name in names if name.split(".")[1] not in WINGS.get(wing, set()) | {wing}}
    assert not foreign, f"{mine} must not import {foreign}"
    if wing == "pages":
        assert not {name for name in names if name.startswith("reports.pages")}, f"{mine} imports another page"


def test_no_bare_imports_of_our_folders():
    """``import renderers`` works from the root folder and nowhere else."""
    bare = set(FLOORS) - {"datasets"}
    for path in (*modules(), ROOT / "run_bench.py", *(ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module.partition(".")[0] not in bare, path
            elif isinstance(node, ast.Import):
                assert not {a.name.partition(".")[0] for a in node.names} & bare, path


PROBE = """
import runpy
import sys

sys.path[0] = sys.argv[1]  # what Python does for a script in that folder
runpy.run_path("run_bench.py")
import datasets

assert hasattr(datasets, "load_dataset"), datasets
"""


@pytest.mark.parametrize("how", ["run_bench.py", "pytest", "python -m pytest"])
def test_hugging_face_datasets_is_found_from_the_root(tmp_path, how):
    if how == "run_bench.py":
        command = [sys.executable, "-c", PROBE, str(ROOT)]
    else:
        probe = tmp_path / "test_probe.py"
        probe.write_text("def test_probe():\n    import datasets\n    assert hasattr(datasets, 'load_dataset')\n")
        start = [Path(sys.executable).with_name("pytest")] if how == "pytest" else [sys.executable, "-m", "pytest"]
        command = [*start, "-q", "-p", "no:cacheprovider", probe]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
