"""The bar of a run's cases: what is left is estimated renderer by renderer, for they differ a thousandfold."""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Self

from ...core.progress import ProgressBar
from ...core.text import printable
from ...renderers.interface import Renderer

SCORING_SECONDS, USUAL_MEGAPIXELS = 0.05, 0.2
"""What a case takes beside its render, and how large its scene is: first guesses."""


def guess_seconds(names: Iterable[str], load_renderer: Callable[[str], Renderer]) -> dict[str, float]:
    """Return roughly how long a case of each renderer takes."""
    costs = {name: _seconds_per_megapixel(load_renderer(name)) for name in set(names)}
    return {name: SCORING_SECONDS + USUAL_MEGAPIXELS * cost for name, cost in costs.items()}


def _seconds_per_megapixel(renderer: Renderer) -> float:
    """Return what the renderer says; a plug-in that says no number costs nobody a case."""
    with suppress(Exception):
        seconds = float(renderer.seconds_per_megapixel)
        if 0.0 <= seconds < math.inf:
            return seconds
    return Renderer.seconds_per_megapixel


class CaseBar:
    """A progress bar over cases, most of all for its estimate of the time left.

    A renderer's cases are taken to last what its own lasted in this run, without the first, which loads it; before
    there are two, ``guesses``, seconds a case by renderer. ``pending``: each pending case's renderer.
    """

    def __init__(
        self,
        total: int,
        pending: Iterable[str],
        guesses: Mapping[str, float],
        *,
        show: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._left = Counter(pending)
        self._guesses = guesses
        self._seen: defaultdict[str, list[float]] = defaultdict(list)
        self._clock = clock
        self._last = clock()
        self._bar: ProgressBar = ProgressBar(
            total=total,
            initial=total - self._left.total(),
            unit="case",
            dynamic_ncols=True,
            disable=not show,
            bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} {unit}s [{elapsed}{postfix}]",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()

    @property
    def seconds_left(self) -> float:
        """What the cases that are left will take."""
        return sum(count * self._seconds(name) for name, count in self._left.items())

    def begin(self, renderer: str) -> None:
        """Show the renderer whose cases come next."""
        self._last = self._clock()
        self._bar.set_description(printable(renderer), refresh=False)
        self._show()

    def finish(self, renderer: str) -> None:
        """Count a case of the renderer's as done."""
        now = self._clock()
        self._seen[renderer].append(now - self._last)
        self._last = now
        self._left[renderer] -= 1
        self._bar.update()
        self._show()

    def _show(self) -> None:
        self._bar.set_postfix_str(f"about {ProgressBar.format_interval(self.seconds_left)} left")

    def _seconds(self, renderer: str) -> float:
        seen = self._seen[renderer][1:]
        return sum(seen) / len(seen) if seen else self._guesses[renderer]
