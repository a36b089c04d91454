"""Outside programs that are absent, fail, or do not end."""

import pytest

from bokehbench.core.errors import OutsideError
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


def test_it_runs_in_its_folder_with_its_variables(script, tmp_path):
    run_program([script("echo $PWD $LC_ALL $MODE > told")], tmp_path, 10, MODE="quiet")
    assert (tmp_path / "told").read_text() == f"{tmp_path} C.UTF-8 quiet\n"


def test_a_failure_has_code_and_last_line(script, tmp_path):
    failing = script("echo first; echo 'no such filter' >&2; echo; exit 3")
    with pytest.raises(OutsideError, match=r"^blurrer: ended with status 3; last line: no such filter: see that"):
        run_program([failing], tmp_path, 10)


def test_a_program_that_does_not_end_is_stopped(script, tmp_path):
    with pytest.raises(OutsideError, match=r"^blurrer: no end within 0\.5 s: stopped; last line: at work: use smaller"):
        run_program([script("echo at work; sleep 60")], tmp_path, 0.5)


def test_an_absent_program_says_what_to_install(tmp_path):
    absent = program_at(tmp_path / "absent")
    assert absent.find() is None
    assert absent.version() is None
    with pytest.raises(OutsideError, match=r"^Blurrer is not installed: apt-get install blurrer$"):
        absent.require()


def test_every_version_has_a_label_of_its_own(script):
    said = program_at(
        script("echo 'Blurrer version 2.1-beta 2026'"), version_options=("-v",), version_pattern=r"version (\S+)"
    )
    assert said.version() == "Blurrer 2.1-beta"
    silent = [program_at(script(f"# {n}", f"silent-{n}")).version() for n in (1, 2)]
    assert silent[0].startswith("Blurrer sha256 ")
    assert silent[0] != silent[1]


def test_a_version_that_is_not_driven_is_no_candidate(script):
    scripts = [script(f"echo Blurrer {number}.5", f"blurrer-{number}") for number in (7, 6)]
    known = {"version_options": ("-v",), "version_pattern": r"Blurrer (6\S+)", "versions": "Blurrer 6"}
    both = Program(name="Blurrer", install="apt-get install blurrer", executables=tuple(map(str, scripts)), **known)
    assert both.find() == scripts[1]
    assert both.version() == "Blurrer 6.5"
    newer = program_at(scripts[0], **known)
    assert newer.find() is newer.version() is None
    said = f"Blurrer: expected Blurrer 6, but {scripts[0]} says 'Blurrer 7.5': apt-get install blurrer"
    with pytest.raises(OutsideError) as raised:
        newer.require()
    assert str(raised.value) == said
