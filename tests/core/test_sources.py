"""Sources of a module: itself and what it imports, found without importing anything."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from bokehbench.core import sources
from bokehbench.core.sources import find_sources, hash_sources, imports_of
from bokehbench.renderers.classical.cpu import spans

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A function that writes modules where imports find them."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(**modules):
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)
        return tmp_path

    return write


def names_of(module):
    return {name for name in find_sources(module) if not name.startswith("bokehbench")}


def test_of_a_renderer_they_are_few_and_the_right_ones():
    names = set(find_sources("bokehbench.renderers.classical.scatter"))
    assert "bokehbench.renderers.classical.scatter" in names
    assert {
        f"bokehbench.{name}" for name in ("renderers.interface", "core.scene", "renderers.classical.cpu.spans")
    } <= names
    assert not [name for name in names if name.startswith(("bokehbench.benchmarks", "bokehbench.reports"))]
    assert len(names) < 30


def test_the_file_alone_tells_where_a_package_lies():
    found = find_sources(spans.__name__, Path(spans.__file__))
    assert found[spans.__name__] == Path(spans.__file__)
    assert found["bokehbench.core.compiled"] == ROOT / "core" / "compiled.py"


def test_modules_of_the_same_package_count_however_they_are_imported(site):
    folder = site(helper="", other="", third="")
    (folder / "mine").mkdir()
    (folder / "mine" / "__init__.py").write_text("from . import at_start\n")
    for name in ("at_start", "relative", "absolute", "late", "named", "deep", "typed", "lazy", "unused"):
        (folder / "mine" / f"{name}.py").write_text("")
    (folder / "mine" / "relative.py").write_text("from .deep import (  # a comment (with brackets)\n    a,\n)\n")
    (folder / "mine" / "renderer.py").write_text(
        "import os, helper\n"
        "from .relative import x; import other\n"
        "from mine import absolute, \\\n    typed\n"
        "def f():\n"
        "    from . import late\n"
        "    import_module('mine.named')\n"
        "    import_module('mine.lazy:Class'); open('other.json'); at('third:0')\n"
        "# import third\n"
    )
    expected = ["at_start", "relative", "absolute", "late", "named", "deep", "typed", "lazy", "renderer"]
    assert names_of("mine.renderer") == {"mine", *(f"mine.{n}" for n in expected), "helper", "other"}
    assert "mine.renderer" not in sys.modules


@pytest.mark.parametrize(
    "text",
    [
        "if True: from .late import K",
        "try: from . import late\nexcept ImportError: pass",
        "import_module('.late', __package__)",
        "import_module(name='.late', package=__package__)",
        "__import__('late_beside')",
        "import_module('.' + 'late', __package__)",
        "import_module(f'{__package__}.late')",
        "[find(m.name) for m in pkgutil.iter_modules(__path__)]",
        "spec_from_file_location('late', Path(__file__).with_name('late.py'))",
    ],
)
def test_what_is_imported_on_one_line_or_by_a_call_counts(site, text):
    folder = site(late_beside="")
    (folder / "mine" / "deep").mkdir(parents=True)
    for name in ("__init__", "late", "deep/__init__"):
        (folder / "mine" / f"{name}.py").write_text("")
    (folder / "mine" / "renderer.py").write_text(f"{text}\n")
    assert {"mine.late", "late_beside"} & names_of("mine.renderer")


def test_a_change_shows_in_the_module_that_changed(site):
    folder = site(plugin_a="import plugin_b\n", plugin_b="x = 1\n", unrelated="")
    before = hash_sources("plugin_a")
    (folder / "unrelated.py").write_text("y = 1\n")
    assert hash_sources("plugin_a") == before
    (folder / "plugin_b.py").write_text("x = 22\n")
    after = hash_sources("plugin_a")
    assert [name for name in after if after[name] != before[name]] == ["plugin_b"]
    (folder / "plugin_b.py").write_text("import plugin_c\n")
    (folder / "plugin_c.py").write_text("")
    assert "plugin_c" in hash_sources("plugin_a")


def test_installed_packages_of_others_count_only_where_they_are_named(site):
    folder = site() / "site-packages"
    folder.mkdir()
    sys.path.insert(0, str(folder))
    try:
        (folder / "plug_one.py").write_text("import numpy, plug_two, plug_three\n")
        (folder / "plug_two.py").write_text("")
        (folder / "plug_three.py").write_text("")
        assert names_of("plug_one") == {"plug_one"}
        found = find_sources("plug_one", packages=["plug_two"])
        assert {name for name in found if not name.startswith("bokehbench")} == {"plug_one", "plug_two"}
    finally:
        sys.path.remove(str(folder))


def test_a_compiled_extension_counts(site):
    folder = site(with_extension="import fast_part\n")
    (folder / f"fast_part{sources.SUFFIXES[-1]}").write_bytes(b"\x7fELF")
    assert "fast_part" in hash_sources("with_extension")


def test_what_cannot_be_read_is_left_to_whoever_imports_it(site):
    folder = site() / "ours"
    folder.mkdir()
    (folder / "renderer.py").write_text("from . import odd\n")
    (folder / "odd.py").mkdir()
    assert hash_sources("ours.renderer", folder / "renderer.py")["ours.odd"] == "unreadable"


def test_a_bracket_that_never_closes_takes_no_time(site):
    site(plugin_u="from . import (" + "\n    # a comment of some length, one of many" * 2000)
    assert "plugin_u" in hash_sources("plugin_u")


def test_what_does_not_exist_has_no_sources(tmp_path):
    assert find_sources("no_such_module_here") == {}
    assert find_sources("", tmp_path / "<string>") == {}


def test_imports_are_found_as_python_finds_them():
    """Over all modules of the project: whatever the parser knows as an import is found in the text."""
    for folder in ("core", "renderers", "datasets", "benchmarks", "robustness", "reports", "training"):
        for path in (ROOT / folder).rglob("*.py"):
            module = ".".join(["bokehbench", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
            found = set(imports_of(module, path, ()))
            package = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Import):
                    assert {alias.name for alias in node.names} <= found, path
                elif isinstance(node, ast.ImportFrom):
                    base = [*package[: len(package) - node.level + 1], node.module] if node.level else [node.module]
                    name = ".".join(filter(None, base))
                    assert {name, *(f"{name}.{alias.name}" for alias in node.names)} <= found, path


def test_it_takes_milliseconds_and_imports_nothing():
    code = (
        "import sys, time; from bokehbench.core.sources import hash_sources; start = time.process_time();"
        "hash_sources('bokehbench.renderers.bokehdiff.renderer'); print(time.process_time() - start);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'numba', 'bokehbench.renderers.registry')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.5, "25 ms on an idle machine"
