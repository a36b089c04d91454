import json
import os
import time

import pytest

from bokehbench.core.documents import LARGEST_BYTES, read_document, read_mapping
from bokehbench.core.errors import DamagedDataError, InvalidOptionError

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: 1e-05\nb: -1E5\nc: .5e+3\nd: 2.", {"a": 1e-5, "b": -1e5, "c": 500.0, "d": 2.0}),
        ("a: 010\nb: +7\nc: -0", {"a": 10, "b": 7, "c": 0}),
        ("a: true\nb: FALSE\nc: ~\nd:", {"a": True, "b": False, "c": None, "d": None}),
        (
            "a: yes\nb: 1:30\nc: 2026-01-01\nd: 1_0\ne: 0x1\nf: .nan",
            dict(zip("abcdef", ["yes", "1:30", "2026-01-01", "1_0", "0x1", ".nan"], strict=True)),
        ),
        ("a: '1'\nb: \"2\"", {"a": "1", "b": "2"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        (b"\xef\xbb\xbfa: 1", {"a": 1}),
        ("", None),
        ("# nothing\n", None),
        ("- 1", [1]),
    ],
)
def test_yaml_means_what_it_looks_like(tmp_path, content, expected):
    read = read_document(write(tmp_path / "scene.yaml", content), "settings")
    assert read == expected
    assert repr(read) == repr(expected)


def test_what_json_writes_is_read_back(tmp_path):
    values = {"a": 1e-05, "b": 1e22, "c": [True, None, "\n \u202e"], "d": {"e": -(2**63)}}
    assert read_document(write(tmp_path / "scene.json", json.dumps(values, indent="\t")), "settings") == values
    assert read_document(write(tmp_path / "scene.yaml", json.dumps(values)), "settings") == values


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a: !!int ''", "line 1, column 4: the tag tag:yaml.org,2002:int"),
        ("a: !!bool x", "the tag "),
        ("a: !!timestamp x", "the tag "),
        ("a: !!float x", "the tag "),
        ("a: !!binary x", "the tag "),
        ("!!python/object/apply:os.system ['true']", "the tag "),
        ("!!set {a, b}", "the tag "),
        ("a: ! 1", "the tag "),
        ("a: 1\nb: 2\na: 3", "line 3, column 1: the name 'a' is there twice"),
        ("b: {a: 1, a: 1}", "the name 'a' is there twice"),
        ("1: 2", "expected a text as name, got '1'"),
        ("null: 2", "expected a text as name, got 'null'"),
        ("? [a]\n: 3", "expected a text as name, got a list"),
        ("a: 1\n---\nb: 2", "expected a single document"),
        (b"\xff\xfea\x00", "not UTF-8 at byte 0"),
        ("a: 1e400", "expected numbers that are finite"),
        ("a: 1" + "0" * 400, "a whole number of 401 digits"),
        ("a: " + "9" * 5000, "a whole number of 5000 digits"),
        ("a: 9999999999999999999", "at most 64 bits"),
        ('a: "\\uD800"', "half a character"),
        ('a: "\\UFFFFFFFF"', "a character that does not exist"),
        ("a: \x07", "special characters are not allowed"),
        ("[" * 3000, "nested deeper than 100 levels"),
        ("- " * 3000 + "1", "nested deeper than 100 levels"),
        ("a: &x [*x]", "nested deeper than 100 levels"),
        (LAUGHS, "more than 1000000 values"),
        ("a: [", "line 1, column 5"),
        ("# " + "x" * LARGEST_BYTES["YAML"], "larger than 256 KiB"),
    ],
)
def test_what_is_wrong_with_yaml_is_one_line(tmp_path, content, reason):
    expect_refusal(write(tmp_path / "scene.yaml", content), reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "Expecting property name"),
        ('{"a": 1} x', "Extra data"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the name 'c' is there twice"),
        ("[" * 100_000, "nested deeper than 100 levels"),
        ('{"a":' * 100_000, "nested deeper than 100 levels"),
        ("[" * 200 + "]" * 200, "nested deeper than 100 levels"),
        ('{"a": 1' + "0" * 400 + "}", "a whole number of 401 digits"),
        ('{"a": 1e400}', "expected numbers that are finite"),
        ('{"a": NaN}', "a: NaN: expected numbers that are finite"),
        ('{"a": [[NaN]]}', "a: NaN: expected numbers that are finite"),
        ("[NaN]", "NaN: expected numbers that are finite"),
        ('{"a": -Infinity}', "expected numbers that are finite"),
        ('{"a": "\\ud800"}', "half a character"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_what_is_wrong_with_json_is_one_line(tmp_path, content, reason):
    expect_refusal(write(tmp_path / "scene.json", content), reason)


@pytest.mark.parametrize("name", ["scene.json", "scene.yaml"])
def test_what_is_no_file_is_refused_at_once(tmp_path, name):
    path = tmp_path / name
    expect_refusal(path, "No such file")
    path.symlink_to(path)
    expect_refusal(path, "symbolic links")
    path.unlink()
    path.symlink_to(tmp_path / "gone")
    expect_refusal(path, "No such file")
    path.unlink()
    path.mkdir()
    expect_refusal(path, "it is a folder, not a file")
    path.rmdir()
    os.mkfifo(path)
    expect_refusal(path, "it is a named pipe, not a file")
    path.unlink()
    path.symlink_to("/dev/zero")
    expect_refusal(path, "it is a device, not a file")


def expect_refusal(path, reason):
    start = time.monotonic()
    with pytest.raises(InvalidOptionError) as caught:
        read_document(path, "settings", InvalidOptionError)
    assert str(caught.value).startswith(f"{path}: expected settings: ")
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(path))
    assert time.monotonic() - start < 10.0


@pytest.mark.parametrize(("content", "received"), [("", "nothing"), ("[1]", "a list"), ("3", "3"), ("null", "nothing")])
def test_a_mapping_is_asked_for(tmp_path, content, received):
    with pytest.raises(DamagedDataError, match=f"expected settings as an object, got {received}"):
        read_mapping(write(tmp_path / "scene.json", content), "settings")
