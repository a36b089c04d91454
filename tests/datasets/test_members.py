from pathlib import Path

import pytest

from bokehbench.core.errors import DamagedDataError, MissingDataError, UnknownNameError
from bokehbench.datasets.interface import SceneDataset, prepare_dataset
from bokehbench.datasets.members import is_leftover, list_members

ERRORS = {
    "denied": PermissionError(13, "Permission denied"),
    "bug": ZeroDivisionError("division by zero"),
    "deep": RecursionError("maximum recursion depth exceeded"),
    "huge": OverflowError("int too large to convert to float"),
    "memory": MemoryError(),
    "damaged": DamagedDataError("damaged: torn\n in two"),
}


def look(path):
    if path.name in ERRORS:
        raise ERRORS[path.name]
    return {"note": None, "empty": {}}.get(path.name, {path.name: path, f"{path.name}-2": path})


def test_an_error_of_any_kind_costs_its_entry_alone():
    members = list_members(map(Path, ("a", *ERRORS, "note", "empty", "b")), look)
    assert members.names == ["a", "a-2", "b", "b-2", *ERRORS]
    assert members.passed_over == ["empty"]
    for name in ERRORS:
        with pytest.raises(MissingDataError) as caught:
            members.pick("mine", name)
        assert str(caught.value).startswith(f"{name}: ")
        assert "\n" not in str(caught.value)
    assert str(members.broken["denied"]) == "denied: cannot be read: Permission denied"
    assert members.pick("mine", "b") == Path("b")
    with pytest.raises(UnknownNameError, match=r"mine has no scene 'c'\. Known: a, a-2, b"):
        members.pick("mine", "c")


def test_names_come_out_printable_and_each_once():
    raw = ["a\nb", "a\\nb", "\x1b[31m", "caf\udce9", "\u202eb"]
    members = list_members(map(Path, raw), lambda path: {path.name: path})
    assert members.names == [r"a\nb", r"a\nb (2)", r"\x1b[31m", r"caf\udce9", r"\u202eb"]
    assert members.pick("mine", r"caf\udce9") == Path("caf\udce9")


@pytest.mark.parametrize(
    "name",
    [
        *(".DS_Store", "._x.json", ".hidden", "Thumbs.db", "thumbs.DB", "desktop.ini", "__MACOSX", "lost+found"),
        *("@eaDir", "System Volume Information", "2.json~", "2.json.bak", "scene.yaml.orig", "image.png.part"),
    ],
)
def test_what_systems_and_programs_leave_behind_is_no_scene(name):
    assert is_leftover(name)
    assert list_members([Path(name)], look).names == []


@pytest.mark.parametrize("name", ["kitchen", "2.json", "back~up", "partly", "oldest", "Thumbs", "bak"])
def test_other_names_are_looked_at(name):
    assert not is_leftover(name)


class Listed(SceneDataset):
    """Names, or an error, of a plug-in."""

    name = "mine"
    protocol = terms = "for tests"

    def __init__(self, names):
        super().__init__()
        self.names = names

    def scene_names(self):
        if isinstance(self.names, Exception):
            raise self.names
        return self.names

    def load(self, scene_name):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (OSError(5, "Input/output error"), "mine: cannot be listed: OSError"),
        (KeyError("x"), "mine: cannot be listed: KeyError"),
        (["a", "b\n"], r"mine: scene 'b\\n': expected printable texts"),
        (["\udce9"], r"mine: scene '\\udce9': expected printable texts"),
        (["a", 3], "mine: scene 3: expected printable texts"),
        (["a", "b", "a"], "mine: two scenes are called 'a'"),
    ],
)
def test_a_data_set_that_cannot_be_listed_is_one_line(names, message):
    with pytest.raises(DamagedDataError, match=message) as caught:
        prepare_dataset(Listed(names))
    assert str(caught.value).isprintable()


def test_the_own_words_of_a_data_set_are_kept():
    with pytest.raises(MissingDataError, match=r"^get it$"):
        prepare_dataset(Listed(MissingDataError("get it")))
    prepare_dataset(Listed(["a", "Küche 夜"]))
