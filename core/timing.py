"""Where the time of a render goes: named stages, clocked only while somebody asks.

A renderer wraps its steps in ``with stage("scatter"):``. Without a clock that does nothing (a look at one variable);
inside ``with StageClock(device) as clock:`` every stage is timed, on CUDA by events on the current stream, so that the
clock makes the device wait for nothing.
"""

import functools
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from typing import Any, ParamSpec, Self, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")

_NO_CLOCK: AbstractContextManager[None] = nullcontext()


class StageClock:
    """Adds up the time of every stage entered in this thread inside the ``with`` block; stages may be nested.

    ``device``: where the work is done: its events on CUDA, the wall clock elsewhere.
    """

    def __init__(self, device: torch.device):
        self.device = device
        self._marks: list[tuple[str, int | None, Any, Any]] = []
        self._open: list[int] = []
        self._token: Token[StageClock | None] | None = None

    def __enter__(self) -> Self:
        self._token = _active.set(self)
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._token is not None  # noqa: S101
        _active.reset(self._token)

    def seconds(self) -> dict[str, float]:
        """Return the seconds of each stage in the order of first entry, without those of stages nested in it.

        Waits for the device.
        """
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        totals = dict.fromkeys((name for name, *_ in self._marks), 0.0)
        for name, parent, start, end in self._marks:
            elapsed = start.elapsed_time(end) / 1000 if self.device.type == "cuda" else end - start
            totals[name] += elapsed
            if parent is not None:
                totals[self._marks[parent][0]] -= elapsed
        return totals

    def enter(self, name: str) -> None:
        """Start a stage."""
        parent = self._open[-1] if self._open else None
        self._open.append(len(self._marks))
        self._marks.append((name, parent, self._mark(), None))

    def leave(self) -> None:
        """End the stage started last."""
        index = self._open.pop()
        name, parent, start, _ = self._marks[index]
        self._marks[index] = (name, parent, start, self._mark())

    def _mark(self) -> Any:
        if self.device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self.device))
        return event


class _Stage:
    def __init__(self, clock: StageClock, name: str):
        self._clock, self._name = clock, name

    def __enter__(self) -> None:
        self._clock.enter(self._name)

    def __exit__(self, *exception: object) -> None:
        self._clock.leave()


_active: ContextVar[StageClock | None] = ContextVar("stage clock", default=None)


def stage(name: str) -> AbstractContextManager[None]:
    """Mark a step of a render; ``name`` goes into the latency report as it is."""
    clock = _active.get()
    return _NO_CLOCK if clock is None else _Stage(clock, name)


def staged(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a stage of every call of a function."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapper(*arguments: P.args, **keywords: P.kwargs) -> R:
            with stage(name):
                return function(*arguments, **keywords)

        return wrapper

    return wrap
