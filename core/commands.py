"""How a command ends: one line on stderr for what a user can repair, in order when a signal asks, never half said."""

import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import ParamSpec

from .errors import WRITE_ERRORS, BokehBenchError, CannotWriteError
from .light_install import explain_missing
from .streams import prepare_streams, release_output, say_at_once
from .text import one_line

P = ParamSpec("P")

ENDING_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Ended(KeyboardInterrupt):
    """A signal that asks the command to end; a KeyboardInterrupt, so that nothing takes it for a case's failure."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


def ends_in_one_line(
    prefix: str,
    interrupted: str = "interrupted",
    also: tuple[type[Exception], ...] = (),
    elsewhere: str = "",
    goes_on: bool = True,
) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Decorate a ``main`` that returns its exit code.

    A BokehBenchError, one of ``also`` or a file that cannot be written becomes ``prefix: message`` and exit code 2,
    where ``elsewhere`` is the option that names another place and ``goes_on`` says whether the same command keeps what
    is finished, unless the error says that it does not; Ctrl-C, SIGTERM and SIGHUP the line ``interrupted`` and the
    exit codes 130, 143, 129. A second signal ends the process at once. Output that nobody takes is exit code 1 for a
    closed pipe, else 2 with a line.
    """
    expected: tuple[type[Exception], ...] = (BokehBenchError, OSError, *also)

    def decorate(main: Callable[P, int]) -> Callable[P, int]:
        @functools.wraps(main)
        def command(*arguments: P.args, **options: P.kwargs) -> int:
            prepare_streams()
            try:
                with signals_raise():
                    code = main(*arguments, **options)
            except KeyboardInterrupt as end:
                print(interrupted, file=sys.stderr)
                code = exit_code(end)
            except SystemExit as end:  # argparse has printed help, or a mistake
                raise SystemExit(release_output(prefix, end.code)) from None
            except ModuleNotFoundError as error:
                explained = explain_missing(error)
                if explained is None:
                    raise
                print(f"{prefix}: {explained}", file=sys.stderr)
                code = 2
            except expected as error:
                if isinstance(error, OSError) and not isinstance(error, also):
                    error = _explain(error)
                if isinstance(error, CannotWriteError):
                    error.elsewhere, error.goes_on = error.elsewhere or elsewhere, error.goes_on and goes_on
                print(f"{prefix}: {one_line(str(error))}", file=sys.stderr)
                code = 2
            return release_output(prefix, code)

        return command

    return decorate


def exit_code(end: KeyboardInterrupt) -> int:
    """Return what shells make of a process that a signal ended."""
    return 128 + (end.number if isinstance(end, Ended) else signal.SIGINT)


@contextmanager
def signals_raise() -> Iterator[None]:
    """Raise Ended in the main thread at the first signal that asks to end; the second has the system's effect.

    Signals that the process was started to ignore (``nohup``) stay ignored. Whatever code that Ended passes through, an
    import say, makes of it ends as Ended.
    """

    def end(number: int) -> None:
        raise Ended(number)

    with _first_signal(end):
        yield


@contextmanager
def signals_wait(said: str) -> Iterator[list[int]]:
    """Yield a list that the first signal which asks to end is put into; the second has the system's effect.

    ``said``: a line that stderr gets at the first, as what it waits for may take a while.

    For work that has to reach a state in which it can be left; whoever asks for it raises Ended then. Where it fails
    after the signal, which other processes of it may have got, too, it ends as Ended.
    """
    with _first_signal(lambda number: say_at_once(said)) as received:
        yield received


@contextmanager
def _first_signal(act: Callable[[int], None]) -> Iterator[list[int]]:
    """Yield a list that gets the first signal which asks to end, and call ``act`` at it.

    In the main thread; elsewhere nothing is watched. What fails after the signal ends as Ended.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    watched = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]

    def handle(number: int, frame: FrameType | None) -> None:
        for one in watched:
            signal.signal(one, signal.SIG_DFL)
        received.append(number)
        act(number)

    try:
        for number in watched:
            signal.signal(number, handle)
        yield received
    except Exception as error:
        if received:
            raise Ended(received[0]) from error
        raise
    finally:
        for number in watched:
            signal.signal(number, before[number])


def _explain(error: OSError) -> CannotWriteError:
    """Return what a user can do about an error of the system. Raises it again where that is not known."""
    if error.errno not in WRITE_ERRORS:
        raise error
    return CannotWriteError(error.filename and os.fsdecode(error.filename), error)
