import errno
import os
import re
import signal

import pytest

from bokehbench.core.commands import ENDING_SIGNALS, ends_in_one_line, signals_wait
from bokehbench.core.errors import CannotWriteError, MissingDataError


def command(error=None):
    @ends_in_one_line("train", interrupted="interrupted; go on with the same command", also=(OSError,))
    def main(code):
        """Train."""
        if error is not None:
            raise error
        return code

    return main


def test_the_exit_code_and_the_docstring_are_the_functions_own():
    assert command()(1) == 1
    assert command().__doc__ == "Train."


@pytest.mark.parametrize("error", [MissingDataError("no folder 'x'"), OSError("no\n  folder 'x'")])
def test_what_a_user_can_mend_is_one_line(error, capsys):
    assert command(error)(0) == 2
    assert capsys.readouterr() == ("", "train: no folder 'x'\n")


def test_an_interruption_says_how_to_go_on(capsys):
    assert command(KeyboardInterrupt())(0) == 130
    assert capsys.readouterr() == ("", "interrupted; go on with the same command\n")


def test_a_mistake_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        command(ZeroDivisionError())(0)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES])
def test_a_disk_that_takes_nothing_is_one_line_with_a_remedy(number, capsys):
    error = OSError(number, os.strerror(number), "/data/x")

    @ends_in_one_line("train", elsewhere="--output")
    def main():
        raise error

    assert main() == 2
    said = capsys.readouterr().err
    assert re.fullmatch(
        r"train: /data/x: .+: .+, or write elsewhere with --output, then give the same command: "
        r"what is finished is kept\n",
        said,
    )
    assert os.strerror(number) in said


def test_a_command_that_does_not_go_on_promises_nothing(capsys):
    @ends_in_one_line("blur", elsewhere="--output", goes_on=False)
    def main():
        raise OSError(errno.EROFS, "Read-only", "/data/x.png")

    assert main() == 2
    assert capsys.readouterr().err.endswith("or write elsewhere with --output, then give the same command\n")


def test_an_error_that_says_so_promises_nothing(capsys):
    @ends_in_one_line("run", elsewhere="--output")
    def main():
        error = CannotWriteError("x.zip", OSError(errno.ENOSPC, "No space left"), "--export")
        error.goes_on = False
        raise error

    assert main() == 2
    assert capsys.readouterr().err.endswith("or write elsewhere with --export, then give the same command\n")


def test_an_unknown_error_of_the_system_keeps_its_traceback():
    with pytest.raises(FileNotFoundError):
        ends_in_one_line("train")(lambda: os.stat("/nowhere/at/all"))()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_end_in_one_line_and_leave_the_handlers(number, code, capsys):
    before = [signal.getsignal(one) for one in ENDING_SIGNALS]
    seen = []

    @ends_in_one_line("train", interrupted="go on with the same command")
    def main():
        try:
            signal.raise_signal(number)
        except Exception:  # noqa: BLE001 - as a run guards its cases
            seen.append("a failed case")
        finally:
            seen.append([signal.getsignal(one) for one in ENDING_SIGNALS])

    assert main() == code
    assert capsys.readouterr().err == "go on with the same command\n"
    assert seen == [[signal.SIG_DFL] * len(ENDING_SIGNALS)], "a second signal ends at once"
    assert [signal.getsignal(one) for one in ENDING_SIGNALS] == before


def test_what_others_make_of_a_signal_is_the_signal(capsys):
    @ends_in_one_line("train")
    def main():
        try:
            signal.raise_signal(signal.SIGTERM)
        except BaseException as error:
            raise RecursionError from error

    assert main() == 143
    assert capsys.readouterr().err == "interrupted\n"


def test_work_that_waits_for_its_end_says_at_once_that_it_does(capfd):
    with signals_wait("waits for its step"):
        signal.raise_signal(signal.SIGTERM)
        assert capfd.readouterr().err == "\nwaits for its step\n"


def test_work_that_waits_for_its_end_sees_the_signal_and_fails_as_interrupted(capsys):
    """A loader, say, loses its workers to the same signal."""

    @ends_in_one_line("train")
    def main():
        with signals_wait("waits for its step") as signals:
            signal.raise_signal(signal.SIGTERM)
            assert signals == [signal.SIGTERM]
            raise RuntimeError("a worker exited unexpectedly")

    assert main() == 143
    assert capsys.readouterr().err == "interrupted\n"


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert ends_in_one_line("train")(lambda: signal.raise_signal(signal.SIGHUP) or 0)() == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_nothing_in_an_error_commands_the_terminal(capsys):
    assert command(MissingDataError("scene 'a\x1b[31m\r\nb\udc80'"))(0) == 2
    assert capsys.readouterr().err == "train: scene 'a\\x1b[31m b\\udc80'\n"
