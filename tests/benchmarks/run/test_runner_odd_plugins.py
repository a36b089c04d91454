"""Whatever a plug-in raises or returns fails its own case, in a row that is read again; the next renderer goes on."""

from collections import Counter

import pytest

from bokehbench.benchmarks.run.row_files import read_rows

from .stand_ins import SCENES, Counting


class UnspeakableError(Exception):
    def __str__(self):
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("half \ud800 of it"), r"ValueError: half \ud800 of it"),
        (UnspeakableError(), "UnspeakableError: its text cannot be had"),
        (GeneratorExit("out"), "GeneratorExit: out"),
        (BaseExceptionGroup("two", [GeneratorExit()]), "BaseExceptionGroup: two"),
    ],
    ids=["half-character", "no-words", "generator-exit", "group"],
)
def test_what_a_renderer_raises_is_its_own_cases_failure(bench, error, said):
    def fail(scene):
        raise error

    rows = bench(Counting("odd", Counter(), fail), Counting("dim", Counter()))
    assert [row["status"] for row in rows] == ["failed"] * len(SCENES) + ["ok"] * len(SCENES)
    assert said in rows[0]["reason"]
    assert list(read_rows(bench.folder).values()) == rows


def test_ctrl_c_ends_the_run(bench):
    def interrupt(scene):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench(Counting("odd", Counter(), interrupt))


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"backend": 5}, "odd: what it gave cannot be stored: backend: expected a valid string, got 5"),
        ({"backend": "\ud800"}, "odd: what it gave cannot be stored: "),
        ({"skip": lambda self, scene: 5}, "odd: skip: expected a text or None, got 5"),
    ],
    ids=["number", "half-character", "skip"],
)
def test_what_a_renderer_says_of_itself_is_checked_before_it_is_stored(bench, attributes, said):
    odd = type("Odd", (Counting,), attributes)
    rows = bench(odd("odd", Counter()), Counting("dim", Counter()))
    assert [row["status"] for row in rows] == ["failed"] * len(SCENES) + ["ok"] * len(SCENES)
    assert said in rows[0]["reason"]
    assert list(read_rows(bench.folder).values()) == rows
