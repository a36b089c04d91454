"""The layout: packages are listed, imports go one way, tests mirror the tree, files are short, ``datasets`` is free."""

import ast
import functools
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {
    "core": set(),
    "renderers": {"core"},
    "datasets": {"core"},
    "photograph": {"core", "renderers", "datasets"},
    "benchmarks": {"core", "renderers", "datasets"},
    "robustness": {"core", "renderers", "datasets", "benchmarks"},
    "reports": {"core", "renderers", "datasets", "benchmarks", "robustness"},
    "training": {"core", "renderers", "datasets", "benchmarks", "robustness"},
    "run_bench.py": {"core", "renderers", "datasets", "benchmarks", "robustness", "reports"},
}
"""What each root folder, and the script, may import beside itself. Nobody imports ``training`` and
``photograph``, programs."""

LAZY = re.compile(r"(?:bokehbench)?\.([a-z_]+)(?:\.\w+)*(:\w+)?")
"""A module of ours as a string: a registry's ``".renderers.identity:IdentityRenderer"``, what ``python -m`` starts."""

LOADERS = {"core/registry.py", "core/diffusers.py", "renderers/diffusion/network_group.py"}
"""What imports a module that a variable names; the names stand in tables, as strings that LAZY finds."""

IMPORTERS = ("import_module", "__import__")

PACKAGES = {"PIL": "pillow", "cv2": "opencv-python-headless", "skimage": "scikit-image", "yaml": "pyyaml"}
"""What is installed under another name than it is imported by."""

OF_OTHERS = {"triton"}
"""Imported where it is there: PyTorch's CUDA builds bring the one that they fit."""

ELSEWHERE = (
    r"renderers/outside/adapters/\w+\.py|.*(?:blender|cycles|gmic)_script\.py|benchmarks/kernels/gegl_worker\.py"
    r"|benchmarks/metrics/libraries\.py"
)
"""What another program's Python runs, and the program that names what it needs in its own ``PACKAGES``."""

LONGEST = 300
"""Lines of a file."""

WITHOUT_A_MODULE = {
    "datasets/test_command_line.py": "run_bench.py on users' data sets",
    "reports/test_browser.py": "the pages of every report in a real browser",
    "reports/test_browser_address.py": "the gallery's address and lightbox in a real browser",
    "training/engine/test_no_model.py": "the engine knows no model",
}
"""Tests of several modules at once; a ``test_contract.py`` holds every plug-in of its folder."""

WINGS = {
    "report": {"pages", "parts", "files"},
    "leaderboard": {"parts", "files"},
    "paper": {"leaderboard", "parts", "files"},
    "pages": {"parts", "files"},
    "parts": {"files"},
    "files": set(),
}
"""What each part of ``reports`` may import of the others; a page never imports another page."""


def modules() -> list[Path]:
    folders = [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))]
    return [*folders, ROOT / "run_bench.py"]


def files_of_tests() -> list[Path]:
    return sorted((ROOT / "tests").rglob("*.py"))


@functools.cache
def parse(path: Path) -> list[ast.AST]:
    """Return the imports, texts and calls by name: also what stands inside functions and under TYPE_CHECKING."""
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if tells_of_imports(node)]


def tells_of_imports(node: ast.AST) -> bool:
    """Whether a node imports, calls what imports, or is a text that may name a module."""
    text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return text or isinstance(node, (ast.Import, ast.ImportFrom)) or called_name(node) in IMPORTERS


def called_name(node: ast.AST) -> str | None:
    """The name of what a call calls."""
    called = getattr(node, "func", None)
    return getattr(called, "attr", getattr(called, "id", None))


def test_every_program_says_mistakes_in_one_line():
    own = {path for path in modules() if "argparse.ArgumentParser(" in path.read_text(encoding="utf-8")}
    assert own <= {ROOT / "core/option_parser.py"}, "use core.option_parser.OneLineParser"


def bokehbench_imports(path: Path) -> Iterator[str]:
    """Yield the dotted name, inside bokehbench, of everything that a module imports from the project."""
    package = ("bokehbench", *path.relative_to(ROOT).parent.parts)
    for node in parse(path):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join((*base, *filter(None, [node.module])))
            names = [f"{source}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [f"{alias.name}." for alias in node.names]
        else:
            continue
        yield from (name.removeprefix("bokehbench.") for name in names if name.startswith("bokehbench."))


def lazy_imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield the root folder of each string that names a module of ours, and whether it names a thing inside it."""
    for node in parse(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = LAZY.fullmatch(node.value)
            if found and found[1] in FLOORS:
                yield found[1], found[2] is not None


def test_every_package_is_listed():
    """A missing entry works in an editable install and is absent from the wheel."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {path.parent.relative_to(ROOT) for path in modules()} - {Path()}
    assert set(settings["packages"]) == {"bokehbench." + ".".join(folder.parts) for folder in folders}
    assert settings["package-dir"] == {"bokehbench": "."}  # see test_results.py: another name can be hidden


def third_party_imports(path: Path) -> set[str]:
    """The top-level names outside the standard library and the project that a module imports, wherever it does."""
    names = set()
    for node in parse(path):
        if isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif called_name(node) in IMPORTERS:
            names |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    top = {name.partition(".")[0] for name in names}
    return top - {"", "bokehbench"} - sys.stdlib_module_names


def test_every_package_that_is_imported_is_a_dependency():
    """What comes with another package today need not tomorrow, and is in no list that an install is made from."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    declared = {re.split("[<>=]", line)[0].lower().replace("_", "-") for line in lines} | OF_OTHERS
    missing = {}
    for path in modules():
        place = path.relative_to(ROOT).as_posix()
        imported = set() if re.fullmatch(ELSEWHERE, place) else third_party_imports(path)
        undeclared = {name for name in imported if PACKAGES.get(name, name).lower().replace("_", "-") not in declared}
        if undeclared:
            missing[place] = undeclared
    assert missing == {}


def test_datasets_folder_shadows_nothing():
    assert not (ROOT / "datasets" / "__init__.py").exists()
    assert not (ROOT / "__init__.py").exists()


def test_imports_go_one_way():
    upward = {}
    for path in modules():
        folder = path.relative_to(ROOT).parts[0]
        named = {name.partition(".")[0] for name in bokehbench_imports(path)} | {name for name, _ in lazy_imports(path)}
        upward[str(path.relative_to(ROOT))] = named - FLOORS[folder] - {folder}
    assert not {path: names for path, names in upward.items() if names}


def test_a_registry_names_its_own_folder():
    """What a string loads is not seen by whoever reads the imports; ``core`` has no plug-ins, only names."""
    for path in modules():
        folder = path.relative_to(ROOT).parts[0]
        assert {name for name, is_target in lazy_imports(path) if is_target} <= {folder, "core"}, path


def test_only_loaders_import_what_a_variable_names():
    """Elsewhere the module's name stands in the call, where the tests above read it."""
    for path in modules():
        for node in parse(path):
            if called_name(node) in IMPORTERS and path.relative_to(ROOT).as_posix() not in LOADERS:
                assert all(isinstance(argument, ast.Constant) for argument in node.args), path


@pytest.mark.parametrize(
    ("line", "imported"),
    [
        ("from ..training import engine", "training"),
        ("from .. import training", "training"),
        ("from ..training.engine.loop import train", "training"),
        ("from bokehbench import training", "training"),
        ("from bokehbench.training.engine import loop", "training"),
        ("import bokehbench.training", "training"),
        ("def f():\n    from ..training import engine", "training"),
        ("if TYPE_CHECKING:\n    from ..training import engine", "training"),
        ("Entry('.training.engine.loop:train')", "training"),
        ("import_module('bokehbench.training')", "training"),
        ("from . import scene", "renderers"),
        ("from .scene import Scene", "renderers"),
        ("import datasets", None),
        ("from training import engine", None),
    ],
)
def test_every_way_to_import_is_seen(tmp_path, monkeypatch, line, imported):
    path = tmp_path / "renderers" / "module.py"
    path.parent.mkdir()
    path.write_text(line)
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    found = {name.partition(".")[0] for name in bokehbench_imports(path)} | {name for name, _ in lazy_imports(path)}
    assert found == ({imported} if imported else set())


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
    for path in (*modules(), *files_of_tests()):
        for node in parse(path):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module.partition(".")[0] not in bare, path
            elif isinstance(node, ast.Import):
                assert not {a.name.partition(".")[0] for a in node.names} & bare, path


def test_tests_mirror_the_tree():
    """tests/FOLDER/test_MODULE.py, or test_MODULE_ASPECT.py, is about FOLDER/MODULE.py or the package of that name."""
    astray = []
    for path in files_of_tests():
        folder, name = path.relative_to(ROOT / "tests").parent, path.stem.removeprefix("test_")
        if folder == Path() or name in (path.stem, "contract"):
            continue
        subjects = {
            module.stem.strip("_") for module in (ROOT / folder).iterdir() if module.suffix == ".py" or module.is_dir()
        }
        if not any(name == subject or name.startswith(f"{subject}_") for subject in subjects):
            astray.append((folder / path.name).as_posix())
    assert sorted(astray) == sorted(WITHOUT_A_MODULE)


def test_files_are_short():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (*modules(), *files_of_tests())}
    assert {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > LONGEST} == {}


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
    without_plugins = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=ROOT, env=without_plugins, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_runs_reports_are_ignored_and_the_code_beside_them_is_not():
    """``reports/RUN/`` is not for git; a package folder there has to be named in .gitignore."""
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "/reports/*/" in lines
    kept = {path.name for path in (ROOT / "reports").iterdir() if any(path.glob("__init__.py"))} | {"templates"}
    assert {line for line in lines if line.startswith("!/reports/")} == {f"!/reports/{name}/" for name in kept}
