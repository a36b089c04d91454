import pytest

from bokehbench.core.commands import ends_in_one_line
from bokehbench.core.errors import MissingDataError


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
