"""JSON and YAML files that people and data sets bring: one reader, one list of what can be wrong with them.

A file is refused, in one line, that
- is no file: a named pipe, a folder, a device, a link that leads nowhere or back to itself;
- is larger than LARGEST_BYTES, or no UTF-8 (a byte order mark is passed over);
- does not parse, holds several YAML documents, or nests deeper than DEEPEST;
- has a YAML tag (``!!int``, ``!!python/...``), a name twice, or a name that is no text;
- holds a number that is not finite or exceeds 64 bits, or half a character (a lone surrogate);
- comes to more than MOST_VALUES values once its YAML aliases are followed.

YAML is read by the core schema of YAML 1.2: ``1e-05`` is a number, ``010`` is ten; ``yes``, ``1:30``, ``2026-01-01``
and ``.nan`` are texts. An alias (``*name``) is followed, ``<<`` merges nothing.
"""

import json
import os
import re
import reprlib
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from .errors import BokehBenchError, DamagedDataError

LARGEST_BYTES = {"JSON": 1 << 26, "YAML": 1 << 18}
"""PyYAML reads some 50 KiB a second."""

DEEPEST = 100
MOST_VALUES = 1_000_000
MOST_DIGITS = 20
TEXT_TAG = "tag:yaml.org,2002:str"
KINDS: Mapping[Callable[[int], bool], str] = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a named pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


def read_document(path: Path, what: str, raised: type[BokehBenchError] = DamagedDataError) -> Any:
    """Return the content of a JSON (``.json``) or YAML file; None for an empty one.

    ``what``: what the file should be, for the message. Raises ``raised`` for whatever the list above names.
    """
    kind = "JSON" if path.suffix.lower() == ".json" else "YAML"
    with _explained(str(path), what, raised):
        return _parse(_read_bytes(path, LARGEST_BYTES[kind]), kind)


def parse_json(data: bytes, where: str, what: str, raised: type[BokehBenchError] = DamagedDataError) -> Any:
    """Do what ``read_document`` does, with JSON that stands at ``where``, as a member of an archive, say."""
    with _explained(where, what, raised):
        return _parse(data, "JSON")


def _parse(data: bytes, kind: str) -> Any:
    """Return the content of JSON or YAML. Raises what ``_explained`` explains."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}: save it as UTF-8") from None
    if not text.strip():
        return None
    content = STRICT_JSON.decode(text) if kind == "JSON" else yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    _check_values(content)
    return content


@contextmanager
def _explained(where: str, what: str, raised: type[BokehBenchError]) -> Iterator[None]:
    """Turn what is wrong with a file into ``raised``, one line that names it."""
    try:
        yield
    except RecursionError as error:
        raise raised(f"{where}: expected {what}: nested deeper than {DEEPEST} levels") from error
    except (OSError, ValueError, OverflowError, yaml.YAMLError) as error:
        raise raised(f"{where}: expected {what}: {_reason(error)}") from error


def read_mapping(path: Path, what: str, raised: type[BokehBenchError] = DamagedDataError) -> dict[str, Any]:
    """Do what ``read_document`` does, with a file of entries ``name: value``. Refuses another content, too."""
    content = read_document(path, what, raised)
    if not isinstance(content, dict):
        received = "a list" if isinstance(content, list) else reprlib.repr(content)
        received = "nothing" if content is None else received
        raise raised(f"{path}: expected {what} as an object, got {received}")
    return content


def kind_of(path: Path) -> str | None:
    """Return what lies at ``path`` where that is no regular file, such as "a named pipe"; None where it is one.

    Raises OSError where nothing can be found there.
    """
    mode = path.stat().st_mode
    if stat.S_ISREG(mode):
        return None
    return next((text for applies, text in KINDS.items() if applies(mode)), "no regular file")


class _Loader(yaml.SafeLoader):
    """Knows texts, numbers, booleans, null, lists and mappings, and nothing else."""

    yaml_implicit_resolvers: dict = {}  # noqa: RUF012 - PyYAML's way; none of YAML 1.1's
    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self._depth > DEEPEST:
            raise RecursionError  # now: PyYAML's time grows with the square of the depth
        event = self.peek_event()
        if getattr(event, "tag", None) is not None:
            raise yaml.MarkedYAMLError(
                problem=f"the tag {event.tag}: write the value alone", problem_mark=event.start_mark
            )
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        names = set()
        for key, _ in node.value:
            if key.tag != TEXT_TAG:
                shown = repr(key.value) if isinstance(key, yaml.ScalarNode) else "a list or mapping"
                raise yaml.MarkedYAMLError(problem=f"expected a text as name, got {shown}", problem_mark=key.start_mark)
            if key.value in names:
                raise yaml.MarkedYAMLError(
                    problem=f"the name {key.value!r} is there twice", problem_mark=key.start_mark
                )
            names.add(key.value)
        return super().construct_mapping(node, deep)


def _whole_number(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a whole number of {len(text)} digits: expected at most 64 bits")
    return int(text)


for _name, _pattern, _first, _construct in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""], lambda text: None),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF"), lambda text: text.lower() == "true"),
    ("int", r"[-+]?[0-9]+", list("-+0123456789"), _whole_number),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789"), float),
):
    _tag = f"tag:yaml.org,2002:{_name}"
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})$"), _first)
    _Loader.add_constructor(_tag, lambda loader, node, make=_construct: make(loader.construct_scalar(node)))


def _read_bytes(path: Path, largest: int) -> bytes:
    other = kind_of(path)  # asked before it is opened: opening a named pipe waits for ever
    if other is not None:
        raise ValueError(f"it is {other}, not a file")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(min(size, largest) + 1)  # Python makes room for as much as it is asked to read
    if len(data) > largest:
        raise ValueError(f"the file is larger than {largest >> 10} KiB")
    return data


class _Refused(str):
    """Why a number of a JSON file is refused, kept in its place until the entry is known that holds it."""


def _json_integer(text: str) -> Any:
    try:
        return _whole_number(text)
    except ValueError as error:
        return _Refused(error)


def _json_constant(text: str) -> Any:
    return _Refused(f"{text}: expected numbers that are finite")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} is there twice")
    for name, value in pairs:
        _refuse_numbers(value, f"{name}: ")
    return entries


def _refuse_numbers(value: Any, where: str = "") -> None:
    if isinstance(value, _Refused):
        raise ValueError(f"{where}{value}")
    if isinstance(value, list):
        for part in value:
            _refuse_numbers(part, where)


STRICT_JSON = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_json_integer, parse_constant=_json_constant)
"""Raises ValueError, too, for a name that is there twice, and in an object for NaN, infinity and whole numbers of very
many digits."""


def _check_values(content: Any) -> None:
    """Raise ValueError or RecursionError for values that the list at the top names."""
    count = 0
    left = [(content, 0)]
    while left:
        value, depth = left.pop()
        count += 1
        if count > MOST_VALUES:
            raise ValueError(f"it holds more than {MOST_VALUES} values")
        if depth > DEEPEST:
            raise RecursionError
        if isinstance(value, dict):
            left += [(part, depth + 1) for entry in value.items() for part in entry]
        elif isinstance(value, list):
            left += [(part, depth + 1) for part in value]
        elif isinstance(value, str):
            _refuse_numbers(value)
            _check_text(value)
        elif isinstance(value, float) and value - value != 0.0:
            raise ValueError(f"{value}: expected numbers that are finite")
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ValueError(f"{value}: expected whole numbers of at most 64 bits")


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{text[:40]!r}: half a character (a lone surrogate)") from None


def _reason(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        problem = " ".join(filter(None, (error.context, error.problem)))
        return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, OverflowError):  # of PyYAML, for "\\UFFFFFFFF"
        return "it names a character that does not exist"
    return " ".join(str(error).split())
