"""Checks of settings' values: one line says what was expected and what was given."""

import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import InvalidOptionError

LONGEST_SHOWN = 80
LONGEST_NAME_BYTES, LONGEST_PATH_BYTES = 255, 4000
MOST = 10**9
"""Of what is counted: more than anybody waits for."""

LARGEST_SEED = 2**63 - 1
"""Random generators take it as a signed number of 64 bits."""


@dataclass(frozen=True)
class Within:
    """What an ``Annotated`` field may hold: a number from ``low`` to ``high``, both included; a tuple, only such."""

    low: float
    high: float


@dataclass(frozen=True)
class Lengths:
    """How many values an ``Annotated`` tuple may hold, ``fewest`` to ``most``, both included."""

    fewest: int
    most: int


def check(name: str, value: object, valid: bool, expected: str) -> None:
    """Raise InvalidOptionError unless ``valid``."""
    if not valid:
        got = repr(value)
        if len(got) > LONGEST_SHOWN:
            got = f"{got[: LONGEST_SHOWN - 20]}... ({len(got)} characters)"
        raise InvalidOptionError(f"{name}: expected {expected}, got {got}")


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise InvalidOptionError unless the value is one of the choices."""
    check(name, value, value in choices, " or ".join(choices))


def check_fields(record: Any, where: str = "") -> None:
    """Raise InvalidOptionError unless each field of a dataclass is as its ``Within`` and ``Lengths`` say.

    ``where``: what the fields' names begin with in messages, for instance ``"optimiser."``.
    """
    for name, hint in typing.get_type_hints(type(record), include_extras=True).items():
        value = getattr(record, name)
        values = value if isinstance(value, tuple) else (value,)
        for limit in getattr(hint, "__metadata__", ()):
            if isinstance(limit, Lengths):
                valid, expected = limit.fewest <= len(values) <= limit.most, f"{limit.fewest} to {limit.most} values"
            elif isinstance(limit, Within):
                valid = all(limit.low <= number <= limit.high for number in values)
                expected = f"{limit.low:.12g} to {limit.high:.12g}"
            else:
                continue
            check(f"{where}{name}", value, valid, expected)


def check_path(name: str, text: str | None) -> None:
    """Raise InvalidOptionError for a text that no system takes as a path; None passes."""
    if text is None:
        return
    parts = [len(part.encode(errors="surrogateescape")) for part in Path(text).parts]
    short = max(parts, default=0) <= LONGEST_NAME_BYTES and sum(parts) <= LONGEST_PATH_BYTES
    check(name, text, bool(text.strip()) and "\0" not in text and short, "a path")
