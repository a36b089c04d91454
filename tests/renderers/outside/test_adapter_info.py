"""INFO is read as data: nothing of an adapter runs on this side."""

import pytest

from bokehbench.core.errors import InvalidOptionError
from bokehbench.core.scene import INPUT_FIELDS
from bokehbench.renderers.outside.adapter_info import FOLDER, find_entry, outside_entries, read_info, say_how_to_get
from bokehbench.renderers.registry import RENDERERS, WITHOUT_WEIGHTS

NAMES = sorted(set(outside_entries()) - {"outside"})


@pytest.mark.parametrize("name", NAMES)
def test_how_to_get_it_names_repository_weights_and_place(name):
    line = say_how_to_get(name)
    assert "git clone https://github.com/" in line
    assert "FOLDER/" in line
    assert line.endswith(f"then use {name}@FOLDER")
    assert "\n" not in line


def test_names_are_free_and_inputs_are_words_of_a_scene():
    assert not set(outside_entries()) & {*RENDERERS.entries, *WITHOUT_WEIGHTS}
    for name in NAMES:
        assert find_entry(name).options["variant"] == name
    assert find_entry("bokehlicious-f5.6").options["f_number"] == 5.6
    assert [find_entry(name) for name in ("outside-f2", "bokehlicious-f0", "bokehlicious-ebb-f2")] == [None] * 3
    for path in FOLDER.glob("[!_]*.py"):
        info = read_info(path)
        assert {*info.inputs, *(word for v in info.variants.values() for word in v.inputs or ())} <= set(INPUT_FIELDS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "which has a constant INFO"),
        ("INFO = open('x')", r"line \d+: INFO: expected names and values written out"),
        ("INFO = (", "expected an adapter"),
        ("INFO = {'title': 'x', 'variants': {}, 'inputs': ()}", r"INFO\.variants: expected at least one"),
        ("INFO = {'title': 3, 'variants': {}, 'inputs': ()}", r"INFO\.title: expected a text"),
        ("INFO = {'title': 'x', 'variants': {}, 'inputs': (), 'speed': 3}", r"unknown entry .*INFO\.speed"),
    ],
)
def test_what_is_no_info_is_one_line(tmp_path, text, words):
    (tmp_path / "adapter.py").write_text(text)
    with pytest.raises(InvalidOptionError, match=words):
        read_info(tmp_path / "adapter.py")
