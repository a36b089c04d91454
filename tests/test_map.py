"""CONTRIBUTING.md's map is the tree: each package folder has one line there, and each line is a folder."""

import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("core", "renderers", "datasets", "photograph", "benchmarks", "robustness", "reports", "training")
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def lines_of_the_map() -> list[tuple[str, str]]:
    section = TEXT.partition("## The map\n")[2].partition("\n## ")[0]
    return re.findall(r"^    ([\w./]+) {2,}(\S.*)$", section, re.MULTILINE)


def test_every_package_folder_has_one_line():
    packages = {path.parent for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}
    entries = [name for name, _ in lines_of_the_map() if name.endswith("/")]
    assert sorted(entries) == sorted(f"{folder.relative_to(ROOT).as_posix()}/" for folder in packages)


def test_everything_else_in_the_map_exists():
    assert all((ROOT / name).exists() for name, _ in lines_of_the_map())


def test_folders_stand_below_their_parents():
    """A folder's line follows its parent's, with nothing between them but the parent's other folders."""
    entries = [name.rstrip("/") for name, _ in lines_of_the_map() if name.endswith("/")]
    for before, name in itertools.pairwise(entries):
        parent = name.rpartition("/")[0]
        assert not parent or before == parent or before.startswith(f"{parent}/"), name


def places() -> list[str]:
    section = TEXT.partition("## Where something new goes\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| .*`.*\|$", section, re.MULTILINE)


@pytest.mark.parametrize("row", places())
def test_places_for_new_things_exist(row):
    """Every path in the table of places is there, but for the folder of a family yet to come."""
    paths = [path for path in re.findall(r"`([\w/.]+)`", row) if "FAMILY" not in path]
    assert paths
    assert all((ROOT / path).exists() for path in paths), row
