"""The code of a plug-in: its modules, its classes' modules, the options of its entry."""

import sys
from types import ModuleType

import pytest

from bokehbench.core.errors import PluginError
from bokehbench.core.registry import Entry, LazyRegistry
from bokehbench.renderers.registry import find_renderer, load_renderer


def code_of(name):
    return find_renderer(name).hash_code(load_renderer(name))


def test_a_renderer_s_code_is_its_module_and_what_that_imports():
    code = code_of("identity")
    assert {"bokehbench.renderers.identity", "bokehbench.renderers.interface", "bokehbench.core.scene"} <= set(code)
    assert not [name for name in code if ".classical" in name or ".benchmarks" in name]


def test_variants_of_one_class_differ_in_their_options():
    first, second = code_of("bokehdiff"), code_of("bokehdiff-vanilla")
    assert [name for name in first if first[name] != second[name]] == ["options"]


def test_a_factory_s_module_and_the_class_s_both_count(tmp_path, monkeypatch):
    """The factory finds the class in a way that its text does not tell."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "the_factory.py").write_text("def make():\n    return __import__('hidden' + '_class').Made()\n")
    (tmp_path / "hidden_class.py").write_text(
        "from bokehbench.renderers.identity import IdentityRenderer\nclass Made(IdentityRenderer):\n    pass\n"
    )
    entry = Entry("the_factory:make", "")
    code = entry.hash_code(entry.load()())
    assert {"the_factory", "hidden_class", "bokehbench.renderers.identity"} <= set(code)


def test_a_module_without_a_file_has_no_code(monkeypatch):
    module = ModuleType("made_in_memory")
    module.Thing = type("Thing", (), {"__module__": "made_in_memory"})
    monkeypatch.setitem(sys.modules, "made_in_memory", module)
    entry = Entry("made_in_memory:Thing", "")
    assert entry.hash_code(entry.load()()) == {}


def test_what_an_entry_point_names_counts(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "two_renderers.py").write_text(
        "from bokehbench.renderers.identity import IdentityRenderer\n"
        "class One(IdentityRenderer):\n    pass\n"
        "class Two(IdentityRenderer):\n    pass\n"
    )
    entries = [Entry(f"two_renderers:{name}", "", distribution="pip") for name in ("One", "Two")]
    first, second = (entry.hash_code(entry.load()("x")) for entry in entries)
    assert [name for name in first if first[name] != second[name]] == ["entry point"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = (\n", r"SyntaxError: .*broken_plugin\.py, line 1"),
        (
            "import no_such_module_here\n",
            r"ModuleNotFoundError: No module named 'no_such_module_here' \(.*py, line 1\)",
        ),
        ("\nNone.x\n", r"AttributeError: .* \(.*broken_plugin\.py, line 2\)"),
        ("import sys\nsys.exit(3)\n", r"SystemExit: 3 \(.*broken_plugin\.py, line 2\)"),
        ("", r"AttributeError: module 'broken_plugin' has no attribute 'Thing'"),
        ("def Thing(**options):\n    raise SystemExit\n", r"SystemExit: +\(.*broken_plugin\.py, line 2\)"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_one_line(tmp_path, monkeypatch, text, reason):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_plugin", raising=False)
    (tmp_path / "broken_plugin.py").write_text(text)
    registry = LazyRegistry("thing", "no.group", {"broken": Entry("broken_plugin:Thing", "")})
    with pytest.raises(PluginError, match=f"^broken_plugin:Thing: cannot be loaded: {reason}"):
        registry.create("broken")
