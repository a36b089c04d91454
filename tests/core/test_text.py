import pytest

from bokehbench.core.errors import BokehBenchError
from bokehbench.core.text import did_you_mean, one_line, printable, unknown_name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Küche 夜, No. 1", "Küche 夜, No. 1"),
        ("a\nb", r"a\nb"),
        ("a\rb\tc", r"a\rb\tc"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("photo\u202egnp.exe", r"photo\u202egnp.exe"),
        ("a\u2028b", r"a\u2028b"),
        ("caf\udce9", r"caf\udce9"),
    ],
)
def test_what_no_terminal_should_get_is_escaped(text, shown):
    assert printable(text) == shown
    assert printable(text).encode("utf-8").decode() == shown


def test_long_texts_keep_both_ends():
    shown = one_line("a" * 5000 + "b" * 5000, longest=100)
    assert shown == "a" * 50 + " ... " + "b" * 50


def test_names_that_are_written_nearly_alike_are_asked_for():
    assert did_you_mean("befor", ["before", "after"]) == ". Did you mean before?"
    assert did_you_mean("--limt", ["--limit", "--list"]) == ". Did you mean --limit or --list?"
    assert did_you_mean("--x", ["--limit", "--list"]) == ""
    assert unknown_name("metric", "x", ["psnr"]) == "unknown metric 'x'. Known: psnr"


def test_of_many_names_the_nearest_three_and_the_command_that_lists_them_are_said():
    names = [f"lens-{number}" for number in range(30)]
    assert unknown_name("lens", "lens", names).endswith(", lens-29")
    said = unknown_name("lens", "lens", names, "run_bench.py --list")
    assert said.count("lens-") == 3
    assert said.endswith("? Known: 30 names, see run_bench.py --list")


def test_a_message_becomes_one_line():
    assert one_line("torn:\n  at \x1b[2J\x85end") == r"torn: at \x1b[2J end"


def test_errors_are_one_printable_line_wherever_they_are_printed():
    assert (
        str(BokehBenchError("a/\x1b]0;x\x07.png: torn\n at 3,  give  x")) == r"a/\x1b]0;x\x07.png: torn at 3,  give  x"
    )
