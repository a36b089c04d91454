"""Who speaks: every process alone, and the first of several; variables that contradict each other are refused."""

import os
import subprocess
import sys

import pytest

from bokehbench.core.errors import InvalidOptionError
from bokehbench.core.launch import is_helper, read_launch

NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
TWO = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}


@pytest.fixture
def launched(monkeypatch):
    """Set a launcher's variables, and only these."""

    def launched(values):
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return launched


@pytest.mark.parametrize(
    ("values", "shared", "helper"),
    [
        ({}, False, False),
        ({"RANK": "0", "WORLD_SIZE": "1"}, False, False),
        (TWO | {"RANK": "0"}, True, False),
        (TWO, True, True),
    ],
)
def test_helper_has_a_rank_among_several(launched, values, shared, helper):
    launched(values)
    assert (read_launch().count > 1, is_helper()) == (shared, helper)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"RANK": "3"}, "WORLD_SIZE: expected a whole number from 1 to 1000000, got nothing: start the command with"),
        ({"WORLD_SIZE": "2"}, "RANK: expected a whole number from 0 to 1000000, got nothing"),
        (TWO | {"RANK": "2"}, "RANK: expected below WORLD_SIZE=2, got 2"),
        ({"RANK": "3", "WORLD_SIZE": "1"}, "RANK: expected below WORLD_SIZE=1, got 3"),
        (TWO | {"RANK": "one"}, "RANK: .* got 'one'"),
        (TWO | {"RANK": "-1"}, "RANK: .* got '-1'"),
        (TWO | {"RANK": ""}, "RANK: .* got ''"),
        (TWO | {"WORLD_SIZE": "0"}, "WORLD_SIZE: .* got '0'"),
        (TWO | {"WORLD_SIZE": "2.0"}, "WORLD_SIZE: .* got '2.0'"),
        (TWO | {"WORLD_SIZE": "9" * 400}, "WORLD_SIZE: "),
        (TWO | {"LOCAL_RANK": "2"}, "LOCAL_RANK: expected a whole number from 0 to 1, got '2'"),
        (TWO | {"MASTER_PORT": "0"}, "MASTER_PORT: expected a whole number from 1 to 65535, got '0'"),
        (TWO | {"MASTER_ADDR": ""}, "MASTER_ADDR: expected the main process's machine, got nothing"),
    ],
)
def test_contradictions_are_one_line(launched, values, message):
    launched(values)
    with pytest.raises(InvalidOptionError, match=f"^{message}") as caught:
        is_helper()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("several", "cleaned"), [("1", "cleaned up"), ("2", "")])
def test_one_of_several_that_fails_ends_at_once_and_keeps_its_code(several, cleaned):
    program = """
import atexit, sys
from bokehbench.core.launch import leave
atexit.register(print, "cleaned up")
print("the reason", file=sys.stderr)
leave(2)
"""
    environment = os.environ | {"WORLD_SIZE": several}
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=60)
    assert (ended.returncode, ended.stderr, ended.stdout.strip()) == (2, "the reason\n", cleaned)
