"""Any error as one line: what it says and, where it is no message of ours, in which line of whose code it arose."""

import functools
import sys
import traceback
from importlib.metadata import entry_points
from pathlib import Path

from .errors import BokehBenchError
from .light_install import explain_missing
from .sources import INSTALLED
from .text import one_line

KINDS = ("renderers", "stages_before", "stages_behind", "datasets", "metrics", "perturbations", "tasks")
"""Of plug-ins, as their entry-point groups call them."""


def describe_error(error: BaseException) -> str:
    """Return an error as one line: the message of one of ours, else with the exception's name and its place."""
    if isinstance(error, ImportError):
        error = explain_missing(error) or error
    if isinstance(error, BokehBenchError):
        return str(error)
    return one_line(f"{type(error).__name__}: {_words(error)}{_place(error)}")


def describe_traceback() -> str:
    """Return the traceback of the error that is handled; half characters, which no file can hold, as their escape."""
    return traceback.format_exc().encode(errors="backslashreplace").decode()


def _words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a plug-in's own exception, which cannot be written
        return "its text cannot be had"


def _place(error: BaseException) -> str:
    """Return the innermost line that is ours or a plug-in's: what libraries do with a mistake lies deeper."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = Path(frame.f_code.co_filename)
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        foreign = package in sys.stdlib_module_names or not INSTALLED.isdisjoint(file.parts)
        if file.suffix == ".py" and (package in _packages() or not foreign):
            return f" ({file.name}, line {line})"
    return ""


@functools.cache
def _packages() -> set[str]:
    """Return the top-level names of this package and of all plug-ins that are installed."""
    points = (point for kind in KINDS for point in entry_points(group=f"bokehbench.{kind}"))
    return {"bokehbench", *(point.module.partition(".")[0] for point in points)}
