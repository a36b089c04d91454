"""The command that every family's recipe is: options from fields, parts in their order, what each part needs."""

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest

from bokehbench.core.errors import InvalidOptionError, UnknownNameError
from bokehbench.training.engine import loop
from bokehbench.training.engine.config import RunConfig
from bokehbench.training.recipe import COUNT, FamilyRecipe, Option, Part, Program

FAMILIES = ("bokehdiff", "bokehme", "defocus_to_focus", "magicbokeh", "restore_disparity")
FOLDERS = ["--photographs", "p", "--cutouts", "c"]


@dataclass(frozen=True, kw_only=True)
class Recipe(FamilyRecipe):
    steps: Annotated[int, Option("of the training"), COUNT] = 7
    pair: Annotated[tuple[int, int], Option("two of them", "M"), COUNT] = (1, 2)
    kind: Annotated[str, Option(choices=("a", "b"))] = "a"
    hidden: int = 3

    def trainings(self, *names: str) -> Sequence[RunConfig]:
        return [RunConfig(task="t", output=str(self.output / name), model=None, steps=self.steps) for name in names]


@pytest.fixture
def program(monkeypatch):
    """Return a program of four parts, the list of what was done, and the names of trainings that do not end."""
    done, unfinished = [], set()

    def train(config):
        name = Path(config.output).name
        done.append(name)
        return None if name in unfinished else Path(config.output) / "model"

    monkeypatch.setattr(loop, "train", train)
    parts = (
        Part("scenes", lambda recipe: done.append(recipe)),
        Part("pair", lambda recipe: recipe.trainings("one", "two"), needs=("photographs",)),
        Part("rare", lambda recipe: recipe.trainings("three"), on_demand=True),
        Part("ship", lambda recipe: done.append("shipped"), needs=(), on_demand=True),
    )
    return Program(family="toy", purpose="Train toys", recipe=Recipe, parts=parts), done, unfinished


def test_fields_are_options_and_keep_their_defaults(program, tmp_path):
    command, done, _ = program
    assert command.main([*FOLDERS, "--output", str(tmp_path)]) == 0
    recipe = Recipe(photographs="p", cutouts="c", output=tmp_path)
    assert done == [recipe, "one", "two"]
    given = ["--steps", "9", "--pair", "3", "4", "--kind", "b", "--workers", "2", "--minutes", "1.5"]
    assert command.main([*FOLDERS, "--output", str(tmp_path), "--parts", "scenes", *given]) == 0
    values = {"steps": 9, "pair": (3, 4), "kind": "b", "workers": 2, "minutes": 1.5}
    assert done[3:] == [Recipe(photographs="p", cutouts="c", output=tmp_path, **values)]


def test_parts_are_done_in_their_order_until_minutes_are_over(program, tmp_path, capsys):
    command, done, unfinished = program
    unfinished.add("two")
    assert command.main([*FOLDERS, "--output", str(tmp_path), "--parts", "ship,rare,pair"]) == 0
    assert capsys.readouterr().out == "Stopped after the given minutes; give the same command to go on\n"
    unfinished.clear()
    assert command.main([*FOLDERS, "--output", str(tmp_path), "--parts", "ship,rare,pair"]) == 0
    assert (done, capsys.readouterr().out) == (["one", "two", "one", "two", "three", "shipped"], "")


def test_a_part_asks_for_what_it_needs_before_anything_is_done(program, tmp_path, capsys):
    command, done, _ = program
    output = ["--output", str(tmp_path)]
    for arguments, said in (
        (["--photographs", "p", "--parts", "pair,scenes"], "--cutouts: expected a folder for the part scenes"),
        (["--parts", "ship,scenes"], "--photographs, --cutouts: expected folders for the part scenes"),
        (["--cutouts", "c", "--parts", "ship,pair"], "--photographs: expected a folder for the part pair"),
    ):
        assert command.main([*arguments, *output]) == 2
        assert capsys.readouterr().err == f"recipe: {said}, got none\n"
    with pytest.raises(InvalidOptionError, match="--photographs: expected a folder for the part pair, got none"):
        command.run(Recipe(output=tmp_path), ["pair"])
    assert done == []
    assert command.main(["--photographs", "p", "--parts", "pair", *output]) == 0
    assert command.main(["--parts", "ship", *output]) == 0
    assert done == ["one", "two", "shipped"]


def test_mistakes_are_one_line(program, tmp_path, capsys):
    command, done, _ = program
    everything = [*FOLDERS, "--output", str(tmp_path)]
    assert command.main([*everything, "--parts", "scenes,shop"]) == 2
    said = "recipe: unknown part 'shop'. Did you mean ship? Known: scenes, pair, rare, ship\n"
    assert capsys.readouterr().err == said
    with pytest.raises(UnknownNameError):
        command.run(Recipe(output=tmp_path), ["ship", "shop"])
    assert command.main([*everything, "--validation-photographs", "p"]) == 2
    said = "recipe: --validation-cutouts: expected a folder beside --validation-photographs, got none\n"
    assert capsys.readouterr().err == said
    for arguments, said in (
        (FOLDERS, "the following arguments are required: --output"),
        ([*everything, "--kind", "c"], "argument --kind: invalid choice: 'c'"),
        ([*everything, "--hidden", "1"], "unrecognized arguments: --hidden 1"),
    ):
        with pytest.raises(SystemExit) as end:
            command.main(arguments)
        error = capsys.readouterr().err
        assert end.value.code == 2
        assert error.startswith(f"python -m bokehbench.training.toy.recipe: {said}")
        assert error.count("\n") == 1
    assert done == []


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--steps", "0"], "steps: expected 1 to 1000000000, got 0"),
        (["--pair", "1", "-2"], "pair: expected 1 to 1000000000, got (1, -2)"),
        (["--workers", "-1"], "workers: expected 0 to 1024, got -1"),
        (["--minutes", "-1"], "minutes: expected 0 to 10000000, got -1.0"),
    ],
)
def test_impossible_numbers_are_refused_before_anything_is_done(option, said, program, tmp_path, capsys):
    command, done, _ = program
    assert command.main([*FOLDERS, "--output", str(tmp_path), *option]) == 2
    assert capsys.readouterr().err == f"recipe: {said}\n"
    assert done == []


def test_help_says_defaults_and_who_needs_what(program, capsys):
    command, _, _ = program
    with pytest.raises(SystemExit) as end:
        command.main(["--help"])
    words = " ".join(capsys.readouterr().out.split())
    assert end.value.code == 0
    for said in (
        "Train toys; the same command goes on where it was interrupted.",
        "some of scenes, pair, rare, ship, separated by commas, done in this order; default: all but rare, ship --",
        "--photographs DIR any photographs; not needed by ship --",
        "--cutouts DIR RGBA cut-outs; not needed by pair, ship --",
        "--output DIR gets scenes, checkpoints and networks --",
        "--steps N of the training; default: 7 --pair M M two of them; default: 1 2 --kind {a,b} default: a",
    ):
        assert said in words


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_ships_from_its_output_alone(family, tmp_path, capsys):
    command = importlib.import_module(f"bokehbench.training.{family}.recipe").PROGRAM
    assert command.family == family
    assert command.main(["--output", str(tmp_path), "--parts", "ship"]) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(rf"recipe: {re.escape(str(tmp_path))}.*\n", said), said
    assert list(tmp_path.iterdir()) == []
    assert command.main(["--output", str(tmp_path)]) == 2
    assert re.fullmatch(r"recipe: --photographs.*: expected .* got none\n", capsys.readouterr().err)
