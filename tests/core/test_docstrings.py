"""A plug-in's own words, without running any of it."""

from dataclasses import replace

from bokehbench.core.docstrings import first_line_of_docstring
from bokehbench.core.registry import Entry


def test_the_first_line_is_read_and_nothing_runs(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "described_plugin"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit\n")
    (package / "lens.py").write_text('raise SystemExit\nclass Lens:\n    """A lens.\n\n    And more.\n    """\n')
    assert first_line_of_docstring("described_plugin.lens", "Lens") == "A lens."
    entry = Entry("described_plugin.lens:Lens", "from the package described", distribution="described")
    assert entry.description == entry.meaning == "A lens. (from the package described)"
    assert replace(entry, slow="a minute").description == f"{entry.meaning} [slow: a minute]"


def test_where_there_is_none_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "bare_plugin.py").write_text("class Lens:\n    pass\n")
    (tmp_path / "broken_plugin_text.py").write_text("class (\n")
    for module in ("bare_plugin", "broken_plugin_text", "no_such_plugin_here", "bare_plugin.deeper"):
        assert first_line_of_docstring(module, "Lens") == ""


def test_what_is_slow_is_marked():
    assert Entry("x:y", "a renderer", slow="minutes a picture").description == "a renderer [slow: minutes a picture]"
    assert Entry("x:y", "a renderer").description == "a renderer"
