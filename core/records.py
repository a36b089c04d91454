"""Records that the harness stores itself: JSON checked against a type, once, where it is opened.

Types are TypedDicts, so that what was checked is plain dictionaries. An entry that the type does not name is passed
over, but in TypedDicts with ``OPEN`` as their configuration.
"""

import functools
import json
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .documents import STRICT_JSON, read_mapping
from .errors import DamagedRecordError

if TYPE_CHECKING:
    from pydantic import ConfigDict, TypeAdapter, ValidationError

T = TypeVar("T")

STRICT: "ConfigDict" = {"strict": True, "allow_inf_nan": False}
OPEN: "ConfigDict" = {**STRICT, "extra": "allow"}
"""Of a TypedDict whose further entries are kept."""

EXPLAINED: "ConfigDict" = {**STRICT, "use_attribute_docstrings": True}
"""Of a TypedDict whose JSON schema says what each entry means."""

LONGEST_VALUE = 60


def read_record(kind: type[T], path: Path, what: str) -> T:
    """Return the content of a JSON file that holds the TypedDict ``kind``; ``what`` says so in words.

    Raises DamagedRecordError naming the file.
    """
    return check_record(kind, read_mapping(path, what, DamagedRecordError), f"{path}: ")


def check_record(kind: type[T], content: Any, where: str = "") -> T:
    """Return ``content``, as JSON gives it, once it is of the TypedDict ``kind``; a bool is no number.

    Raises DamagedRecordError, which names the first entry that is not, behind ``where``.
    """
    return _validate(kind, json.dumps([content]), where)


def check_whole(kind: type[T], content: Any, where: str = "") -> T:
    """Do the same, and refuse what the type does not name, too: of a file that comes from elsewhere."""
    found = check_record(kind, content, where)
    unknown = _find_unnamed(content, found)
    if unknown:
        raise DamagedRecordError(f"{where}unknown entry {unknown}")
    return found


def parse_record(kind: type[T], text: str) -> T:
    """Do what ``check_record`` does, with JSON text.

    Refused, too: a name twice, numbers that are not finite, half characters, deep nests. Raises DamagedRecordError.
    """
    found = _validate(kind, f"[{text}]")
    try:
        STRICT_JSON.decode(text)
    except ValueError as error:
        raise DamagedRecordError(f"not valid JSON: {error}") from None
    return found


def _validate(kind: type[T], text: str, where: str = "") -> T:
    from pydantic import ValidationError  # here: whoever only asks for --help needs none

    try:
        return _adapter(cast(Hashable, kind)).validate_json(text)[0]
    except ValidationError as error:
        raise DamagedRecordError(where + _explain(error)) from None


@functools.cache
def _adapter(kind: Any) -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter

    # The configuration reaches a TypedDict, nested ones too, through a type around it only.
    around: Any = tuple[kind]
    return TypeAdapter(around, config=STRICT)


def _explain(error: "ValidationError") -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    name = ".".join(map(str, first["loc"][1:]))
    if first["type"] == "missing":
        return f"the entry {name} is missing"
    if first["type"] == "json_invalid":
        return first["msg"]
    received = repr(first["input"])
    if len(received) > LONGEST_VALUE:
        received = f"{received[:LONGEST_VALUE]} ..."
    return f"{name or 'the content'}: expected {first['msg'].removeprefix('Input should be ')}, got {received}"


def _find_unnamed(content: Any, found: Any, where: str = "") -> str:
    """Return the first entry of ``content`` that was passed over when ``found`` was made of it; empty for none."""
    if isinstance(content, dict):
        unnamed = [name for name in content if name not in found]
        if unnamed:
            return f"{where}{unnamed[0]}"
        parts = [(name, value, found[name]) for name, value in content.items()]
    elif isinstance(content, list):
        parts = [(str(number), *pair) for number, pair in enumerate(zip(content, found, strict=True))]
    else:
        return ""
    return next(filter(None, (_find_unnamed(old, new, f"{where}{name}.") for name, old, new in parts)), "")
