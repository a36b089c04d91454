"""How a ``python -m`` command ends: what a user can repair is one line on stderr, not a traceback."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

from .errors import BokehBenchError
from .text import one_line

P = ParamSpec("P")


def ends_in_one_line(
    prefix: str, interrupted: str = "interrupted", also: tuple[type[Exception], ...] = ()
) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Decorate a ``main`` that returns its exit code.

    A BokehBenchError, or one of ``also``, becomes ``prefix: message`` and exit code 2; Ctrl-C the line ``interrupted``
    and exit code 130.
    """

    expected: tuple[type[Exception], ...] = (BokehBenchError, *also)

    def decorate(main: Callable[P, int]) -> Callable[P, int]:
        @functools.wraps(main)
        def command(*arguments: P.args, **options: P.kwargs) -> int:
            try:
                return main(*arguments, **options)
            except expected as error:
                print(f"{prefix}: {one_line(str(error))}", file=sys.stderr)
                return 2
            except KeyboardInterrupt:
                print(interrupted, file=sys.stderr)
                return 130

        return command

    return decorate
