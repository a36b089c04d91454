"""Completion: argcomplete's question is answered where it is asked, and imports nothing otherwise."""

import sys

import pytest

from bokehbench.core.option_parser import OneLineParser, complete, offer_names


def test_nothing_is_imported_unless_a_shell_asks(monkeypatch):
    monkeypatch.delenv("_ARGCOMPLETE", raising=False)
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    complete(OneLineParser(prog="x"))


def test_a_shell_without_argcomplete_gets_no_error(monkeypatch):
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    complete(OneLineParser(prog="x"))


def test_names_in_a_list_are_completed_one_by_one():
    action = OneLineParser(prog="x").add_argument("--names")
    offer_names(action, lambda: ["bokehme", "bokehdiff", "classical"])
    assert action.completer("classical,bokehm") == ["classical,bokehme"]
    assert action.completer("") == ["bokehme", "bokehdiff", "classical"]


@pytest.mark.parametrize("text", ["-1e5", "-1.5E-3", "-.5", "-3", "-2."])
def test_a_negative_number_is_a_value(text):
    parser = OneLineParser(prog="x")
    parser.add_argument("--focus", type=float)
    assert parser.parse_args(["--focus", text]).focus == float(text)


def test_a_mistake_is_one_line_with_a_hint(capsys):
    parser = OneLineParser(prog="x", allow_abbrev=False)
    parser.add_argument("--radius")
    with pytest.raises(SystemExit):
        parser.parse_args(["--radiu", "3"])
    assert capsys.readouterr().err == "x: unrecognized arguments: --radiu 3. Did you mean --radius? (see --help)\n"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--metric", "psnr"], ". Did you mean --metrics or --device?"),
        (["--metric=psnr", "--limt", "3"], ". Did you mean --metrics for --metric and --limit for --limt?"),
        (["--xyzzy", "--limt", "--limt", "-3"], ". Did you mean --limit for --limt?"),
        (["--xyzzy"], ""),
        (["limit"], ". Did you mean --limit?"),
    ],
)
def test_every_unknown_option_gets_its_own_nearest_name(capsys, words, hint):
    parser = OneLineParser(prog="x", allow_abbrev=False)
    for option in ("--metrics", "--limit", "--device"):
        parser.add_argument(option)
    with pytest.raises(SystemExit):
        parser.parse_args(words)
    assert capsys.readouterr().err == f"x: unrecognized arguments: {' '.join(words)}{hint} (see --help)\n"
