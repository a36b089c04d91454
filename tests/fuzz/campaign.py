"""Mutates one file of a specimen, runs its commands, judges; all from a seed."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from .child import TIMEOUT_S, Done, run
from .mutations import choose
from .specimens import Command, Specimen
from .verdicts import LOST, NEW, OK, ONE_LINE, SILENT, judge_ends, judge_results, lines, same

COMPILING_S = 600.0
"""How long the first run may take, which may have to compile kernels."""


@dataclass(frozen=True)
class Outcome:
    """``number`` and the campaign's seed make it again."""

    kind: str
    number: int
    file: str
    mutation: str
    verdict: str
    said: str


class Base:
    """A specimen that was built and run once."""

    def __init__(self, specimen: Specimen, home: Path):
        self.specimen = specimen
        self.home = home
        self.folder = home / "work"
        self.folder.mkdir(parents=True)
        specimen.build(self.folder)
        self.ends = self.run(specimen.first(self.folder), COMPILING_S)
        self.results = specimen.results(self.folder)
        self.folder.rename(home / "base")

    @property
    def works(self) -> bool:
        """Whether the command does what it should before anything is damaged."""
        return all(done.code == 0 for done in self.ends)

    def run(self, commands: Sequence[Command], timeout_s: float = TIMEOUT_S) -> list[Done]:
        """Run the commands, one child each."""
        return [run(command, self.home / "log", timeout_s) for command in commands]

    def mutate(self, seed: int, number: int) -> Outcome:
        """Make mutation ``number`` of the campaign and judge what comes of it."""
        rng = Random(f"{seed}/{self.specimen.name}/{number}")  # noqa: S311
        self._copy()
        if self.specimen.mutate:
            what, commands = self.specimen.mutate(rng, self.folder)
            ends = self.run(commands)
            verdict = judge_ends(ends) or (ONE_LINE if ends[-1].code else OK)
            return Outcome(self.specimen.name, number, what, "options", verdict, ends[-1].said[-300:])
        targets = self.specimen.targets(self.folder)
        path = targets[rng.randrange(len(targets))]
        mutation = choose(rng, path, self.specimen.scenes)
        name = path.relative_to(self.folder).as_posix()
        try:
            what = mutation(rng, path)
        except Exception as error:  # noqa: BLE001 - for instance of an empty file
            return Outcome(self.specimen.name, number, name, f"{mutation.__name__}: {error!r}", OK, "")
        ends = self.run(self.specimen.commands(self.folder))
        verdict = judge_ends(ends) or self._judge(ends)
        said = " / ".join(lines("\n".join(done.said for done in ends))[-3:])
        return Outcome(self.specimen.name, number, name, what, verdict, said)

    def _judge(self, ends: Sequence[Done]) -> str:
        found = self.specimen.results(self.folder)
        refused = any(done.code for done in ends)
        if self.specimen.others and refused and not self.specimen.inputs and ends[-1].code == 2:
            return ONE_LINE
        if verdict := judge_results(found, self.results, self.specimen.others):
            return verdict
        if self.specimen.others and ends[-1].code == 2:
            return LOST
        if not self.specimen.inputs:
            intact = all(same(result, self.results.get(name, {})) for name, result in found.items())
            return ONE_LINE if refused else OK if intact else SILENT
        return self._compare_with_fresh(found, refused)

    def _compare_with_fresh(self, found: dict[str, Any], refused: bool) -> str:
        current = {n: r for n, r in found.items() if r["status"] == "ok"}
        if refused and all(same(result, self.results.get(name, {})) for name, result in current.items()):
            return ONE_LINE
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        ends = self.run(self.specimen.commands(self.folder))
        fresh = self.specimen.results(self.folder)
        if verdict := judge_ends(ends):
            return verdict
        for name, result in fresh.items():
            if not same(result, found.get(name, {})):
                return SILENT
        unchanged = all(same(result, self.results.get(name, {})) for name, result in fresh.items())
        return ONE_LINE if refused else OK if unchanged else NEW

    def _copy(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.home / "base", self.folder, symlinks=True)


def keep(outcome: Outcome, base: Base, folder: Path) -> None:
    """Copy what a mutation left."""
    destination = folder / f"{outcome.verdict}-{outcome.number}".replace(" ", "-")
    with tempfile.TemporaryDirectory():
        os.makedirs(destination, exist_ok=True)
        shutil.copytree(base.folder, destination, symlinks=True, dirs_exist_ok=True, ignore=_pipes)
        (destination / "outcome.txt").write_text(repr(outcome))


def _pipes(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_fifo()]
