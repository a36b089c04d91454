"""The code of a plug-in: its modules, its classes' modules, the options of its entry."""

import sys
from types import ModuleType

from bokehbench.core.registry import Entry
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
