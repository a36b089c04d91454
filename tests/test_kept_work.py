"""A command says that what is finished is kept where the same command goes on from it, and nowhere else."""

import errno
import importlib
from pathlib import Path

import pytest

from bokehbench.core.errors import CannotWriteError
from bokehbench.datasets.synthetic import committed

ROOT = Path(__file__).resolve().parents[1]
PROMISE = "what is finished is kept"

GO_ON = {
    "benchmarks/gpu/__main__.py": "steps in its file",
    "datasets/pairs/ebb400.py": "pictures",
    "datasets/pairs/estimate_disparity.py": "maps",
    "datasets/pairs/realbokeh.py": "files of the download",
    "datasets/pathtraced/__main__.py": "scenes",
    "datasets/synthetic/synbokeh300/__main__.py": "scenes",
    "training/__main__.py": "checkpoints",
}
"""The commands that go on, and from what; every other makes all of it again."""

MODULES = sorted(
    str(file.relative_to(ROOT))
    for folder in ("benchmarks", "datasets", "photograph", "renderers", "reports", "robustness", "training")
    for file in (ROOT / folder).rglob("*.py")
    if "\n@ends_in_one_line(" in file.read_text(encoding="utf-8")
)


def test_commands_are_found():
    assert set(GO_ON) < set(MODULES)


@pytest.mark.parametrize("path", MODULES)
def test_a_full_disk_promises_only_what_is_kept(path, monkeypatch, capsys):
    module = importlib.import_module("bokehbench." + path.removesuffix(".py").replace("/", "."))

    def fail(*arguments, **options):
        raise CannotWriteError("x", OSError(errno.ENOSPC, "No space left"))

    parses = module if hasattr(module, "OneLineParser") else committed
    monkeypatch.setattr(parses, "OneLineParser", fail)
    assert module.main([]) == 2
    said = capsys.readouterr().err
    assert "the disk is full" in said
    assert (PROMISE in said) == (path in GO_ON)


RECIPES = sorted(file.parent.name for file in (ROOT / "training").glob("*/recipe.py"))


@pytest.mark.parametrize("family", RECIPES)
def test_a_recipe_goes_on_from_parts_and_checkpoints(family, monkeypatch, capsys):
    module = importlib.import_module(f"bokehbench.training.{family}.recipe")

    def fail(*arguments, **options):
        raise CannotWriteError("x", OSError(errno.ENOSPC, "No space left"))

    monkeypatch.setattr("bokehbench.training.recipe.OneLineParser", fail)
    assert module.PROGRAM.main([]) == 2
    said = capsys.readouterr().err
    assert "the disk is full" in said
    assert PROMISE in said
