"""What the command lines' parsers share: mistakes in one line, the version, completion by the shell.

Imports nothing heavy: --help and a mistake are answered at once.
"""

import argparse
import os
import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from .text import did_you_mean, nearest, one_line
from .version import describe_version

NEGATIVE_NUMBER = re.compile(r"-(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$", re.IGNORECASE)


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line; the whole usage is a --help away. ``-1e5`` is a number, no option."""

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
        self._negative_number_matcher = NEGATIVE_NUMBER

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        words = message.partition("unrecognized arguments: ")[2].split()
        self.exit(2, f"{self.prog}: {one_line(message)}{self._hint(words)} (see --help)\n")

    def _hint(self, words: list[str]) -> str:
        """Return the end of a sentence, and a question: the nearest names of one option, that of each of several.

        ``words``: what was not understood. Nothing where no option is written nearly like one of them.
        """
        options = [word.partition("=")[0] for word in words if word.startswith("-") and not NEGATIVE_NUMBER.match(word)]
        unknown = list(dict.fromkeys(options or words[:1]))
        if len(unknown) == 1:
            return did_you_mean(unknown[0], self._all_options())
        near = [(nearest(word, self._all_options()), word) for word in unknown]
        pairs = " and ".join(f"{meant} for {word}" for meant, word in near if meant)
        return f". Did you mean {pairs}?" if pairs else ""

    def _all_options(self) -> list[str]:
        """Return the options of this parser and of its commands, which leave to it what they do not know."""
        commands = [action.choices for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        parsers = [self, *(parser for choices in commands for parser in choices.values())]
        return [option for parser in parsers for option in parser._option_string_actions]


class Version(argparse.Action):
    """Prints the version, which is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *values: object) -> NoReturn:
        """End with exit code 0."""
        print(describe_version())
        parser.exit()


def offer_names(action: argparse.Action, names: Callable[[], Iterable[str]]) -> None:
    """Let a shell complete the values of an option: names, separated by commas, that are looked up only then."""

    def offer(prefix: str, **_: object) -> list[str]:
        before, comma, start = prefix.rpartition(",")
        return [f"{before}{comma}{name}" for name in names() if name.startswith(start)]

    action.completer = offer  # type: ignore[attr-defined]  # argcomplete looks for it


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks argcomplete's question, and end; otherwise nothing happens, and nothing is imported."""
    if "_ARGCOMPLETE" not in os.environ:
        return
    try:
        import argcomplete
    except ImportError:
        return
    argcomplete.autocomplete(parser)
