"""The time left is estimated renderer by renderer."""

import pytest

from bokehbench.benchmarks.run.progress import CaseBar, guess_seconds
from bokehbench.renderers.identity import IdentityRenderer
from bokehbench.renderers.interface import Renderer
from bokehbench.renderers.registry import load_renderer


class Usual(IdentityRenderer):
    seconds_per_megapixel = Renderer.seconds_per_megapixel


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_quick_cases_say_nothing_of_slow_ones(clock: Clock) -> None:
    with CaseBar(6, ["quick"] * 3 + ["slow"] * 3, {"quick": 0.05, "slow": 10.0}, show=False, clock=clock) as bar:
        bar.begin("quick")
        for _ in range(3):
            clock.seconds += 0.01
            bar.finish("quick")
        assert bar.seconds_left == pytest.approx(3 * 10.0)


def test_what_was_seen_replaces_the_guess_but_for_the_first_case_which_loads(clock: Clock) -> None:
    with CaseBar(5, ["slow"] * 4, {"slow": 1.0}, show=False, clock=clock) as bar:
        bar.begin("slow")
        clock.seconds += 60.0
        bar.finish("slow")
        assert bar.seconds_left == pytest.approx(3 * 1.0)
        clock.seconds += 2.0
        bar.finish("slow")
        assert bar.seconds_left == pytest.approx(2 * 2.0)


def test_guesses_know_networks_from_copies() -> None:
    names = ["identity", "bokehdiff", "bokehdiff"]
    guesses = guess_seconds(names, load_renderer)
    assert guesses["identity"] < 0.1
    assert guesses["bokehdiff"] > 1.0


@pytest.mark.parametrize("said", ["soon", None, -1.0, float("nan"), float("inf")])
def test_a_plugin_that_says_no_number_gets_the_usual_guess(said: object) -> None:
    class Plugin(IdentityRenderer):
        seconds_per_megapixel = property(lambda self: said)  # type: ignore[assignment]

    usual = guess_seconds(["plugin"], lambda name: Usual())
    assert guess_seconds(["plugin"], lambda name: Plugin()) == usual


def test_the_bar_shows_it(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with CaseBar(4, ["slow"] * 2, {"slow": 30.0}, clock=clock) as bar:
        bar.begin("slow")
    shown = capsys.readouterr().err
    assert "slow:  50%" in shown
    assert "2/4" in shown
    assert "about 01:00 left" in shown
