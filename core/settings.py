"""Settings that people or checkpoints write, YAML or JSON, read strictly into frozen dataclasses.

``documents.read_document`` gives the content of a file, ``read_settings(Record, content)`` checks it against the
dataclass's fields and builds it. What is wrong is one line that names the entry, what was expected and what came.
"""

import functools
import json
import types
import typing
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .errors import InvalidOptionError
from .text import did_you_mean

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Record = TypeVar("Record")

PLAINLY = {"a valid array": "a list", "an object": "entries 'name: value'", "a valid string": "a text"}
"""JSON's words in those of somebody who writes YAML."""


def read_settings(record: type[Record], values: Any, where: str = "") -> Record:
    """Build the dataclass ``record``, and those that it nests, from mappings; absent entries take their defaults.

    Types are kept strictly, but for integers that stand for floats and lists for tuples: a bool is no number.
    ``where``: what an entry's name begins with in messages, for instance ``"model."``.
    Raises InvalidOptionError for an unknown or missing entry or a wrong type, and whatever the dataclasses raise.
    """
    from pydantic import ValidationError  # here: whoever only lists names needs none

    try:
        return _adapter(cast(Hashable, record)).validate_json(json.dumps([values], default=str))[0]
    except TypeError as error:  # of JSON: a date as a name
        raise InvalidOptionError(f"{where.rstrip('.') or 'the file'}: expected texts as names: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    raise InvalidOptionError(_explain(record, first["type"], first["loc"][1:], first["msg"], first["input"], where))


@functools.cache
def _adapter(record: Any) -> "TypeAdapter[tuple[Any]]":
    from pydantic import ConfigDict, TypeAdapter

    # The configuration reaches dataclasses, nested ones too, through a type around them only.
    around: Any = tuple[record]
    return TypeAdapter(around, config=ConfigDict(extra="forbid", strict=True))


def _explain(record: type, kind: str, place: Sequence[str | int], message: str, value: Any, where: str) -> str:
    *outer, last = place or ("",)
    name = f"{where}{'.'.join(map(str, place))}"
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        known = typing.get_type_hints(_type_at(record, outer))
        return f"unknown entry {name}: expected some of {', '.join(known)}{did_you_mean(str(last), known)}"
    if (isinstance(last, int) and kind == "missing") or kind == "too_long":
        entry = outer if kind == "missing" else place
        expected = len(typing.get_args(_type_at(record, entry)))
        got = last if kind == "missing" else len(value)
        return f"{where}{'.'.join(map(str, entry))}: expected {expected} values, got {got}"
    if kind == "missing":
        return f"missing entry {name}"
    what = message.removeprefix("Input should be ")
    return f"{name.rstrip('.') or 'the file'}: expected {PLAINLY.get(what, what)}, got {value!r}"


def _type_at(record: Any, place: Sequence[str | int]) -> Any:
    """Return the type of a nested entry, without ``None`` where that is allowed too."""
    for name in place:
        if isinstance(name, int):
            record = typing.get_args(record)[0]
            continue
        record = typing.get_type_hints(record)[name]
        if isinstance(record, types.UnionType):
            record = next(kind for kind in typing.get_args(record) if kind is not types.NoneType)
    return record
