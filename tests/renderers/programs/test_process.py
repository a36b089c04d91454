"""Outside programs that are absent, fail, or do not end."""

import os
import time
from pathlib import Path

import pytest

from bokehbench.core.errors import FailedProgramError
from bokehbench.renderers.programs.process import Program, run_program


@pytest.fixture
def script(tmp_path):
    def make(text, name="blurrer"):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return make


def program_at(path, **fields):
    return Program(name="Blurrer", install="apt-get install blurrer", executables=(str(path),), **fields)


def test_what_it_prints_comes_back(script, tmp_path):
    assert run_program([script("pwd; echo said >&2")], tmp_path, 10) == f"{tmp_path}\nsaid\n"


def test_a_failure_has_code_and_last_line(script, tmp_path):
    failing = script("echo first; echo 'no such filter' >&2; echo; exit 3")
    with pytest.raises(FailedProgramError, match=r"^blurrer: expected exit code 0, got 3 \(no such filter\): "):
        run_program([failing], tmp_path, 10)


def test_a_program_that_does_not_end_is_ended_with_all_it_started(script, tmp_path):
    hanging = script(f"sleep 60 & echo $! > {tmp_path}/child; echo at work; wait")
    start = time.monotonic()
    with pytest.raises(FailedProgramError, match=r"expected an end within 1 s, got none \(at work\)"):
        run_program([hanging], tmp_path, 1)
    assert time.monotonic() - start < 10
    child = int((tmp_path / "child").read_text())
    for _ in range(50):  # whoever collects orphans does so in his own time
        try:
            os.kill(child, 0)
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return
        if state == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the program's child lives on")


def test_what_cannot_be_started_is_one_line(tmp_path):
    with pytest.raises(FailedProgramError, match=r"^absent: cannot be started"):
        run_program([tmp_path / "absent"], tmp_path, 1)


def test_an_absent_program_says_what_to_install(tmp_path):
    absent = program_at(tmp_path / "absent")
    assert absent.find() is None
    assert absent.version() is None
    with pytest.raises(FailedProgramError, match=r"^Blurrer is not installed: apt-get install blurrer$"):
        absent.require()


def test_every_version_has_a_label_of_its_own(script):
    said = program_at(
        script("echo 'Blurrer version 2.1-beta 2026'"), version_options=("-v",), version_pattern=r"version (\S+)"
    )
    assert said.version() == "Blurrer 2.1-beta"
    silent = [program_at(script(f"# {n}", f"silent-{n}")).version() for n in (1, 2)]
    assert silent[0].startswith("Blurrer sha256 ")
    assert silent[0] != silent[1]
