"""What a block forks does not leave it."""

import os

import pytest

from bokehbench.core.forks import one_process

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("fails", [False, True])
def test_a_fork_that_comes_back_ends_with_a_line(tmp_path, capfd, fails):
    left = tmp_path / "left"
    try:
        with one_process("odd"):
            child = os.fork()
            if fails:
                raise ValueError("both of them")
    except ValueError:
        assert fails
    with left.open("a") as file:  # never reached by the child
        file.write("once\n")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert left.read_text() == "once\n"
    assert "odd: ended a process that it forked and that came back to the run" in capfd.readouterr().err


def test_nothing_happens_to_who_stays():
    with one_process("calm"):
        here = os.getpid()
    assert os.getpid() == here
