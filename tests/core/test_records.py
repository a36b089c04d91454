"""Records are plain dictionaries of the right types; what is wrong is one line."""

import json
from typing import NotRequired

import pytest
from typing_extensions import TypedDict

from bokehbench.core.errors import DamagedRecordError
from bokehbench.core.records import OPEN, check_record, parse_record, read_record


class Inner(TypedDict):
    __pydantic_config__ = OPEN
    width: float


class Outer(TypedDict):
    name: str
    inner: dict[str, Inner]
    more: NotRequired[list[int]]


GOOD = {"name": "a", "inner": {"one": {"width": 2, "colour": "red"}}, "more": [1]}


def test_what_is_named_is_kept_and_of_open_types_the_rest():
    found = check_record(Outer, GOOD | {"unknown": 1})
    assert found == GOOD
    assert type(found) is dict
    assert parse_record(Outer, json.dumps(GOOD)) == GOOD


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": 3}, "name: expected a valid string, got 3"),
        ({"inner": {"one": {}}}, "the entry inner.one.width is missing"),
        ({"inner": {"one": {"width": True}}}, "inner.one.width: expected a valid number, got True"),
        ({"inner": {"one": {"width": "2"}}}, "inner.one.width"),
        ({"inner": {"one": {"width": 10**400}}}, "inner.one.width"),
        ({"more": [1.5]}, "more.0: expected a valid integer, got 1.5"),
        ({"more": "x" * 1000}, "more: expected a valid array"),
    ],
)
def test_the_first_wrong_entry_is_named(change, said):
    for check in (lambda: check_record(Outer, GOOD | change), lambda: parse_record(Outer, json.dumps(GOOD | change))):
        with pytest.raises(DamagedRecordError) as raised:
            check()
        assert said in str(raised.value)
        assert len(str(raised.value)) < 200


def test_a_file_is_named(tmp_path):
    path = tmp_path / "record.json"
    path.write_text("{}")
    with pytest.raises(DamagedRecordError, match=r"record\.json: the entry name is missing"):
        read_record(Outer, path, "a record")
