"""Texts from files, folders and command lines, made fit for one line of a terminal, a log or a table."""

import difflib
from collections.abc import Iterable

LONGEST_LINE = 2000
"""Characters; of a longer text the middle is left out."""


def printable(text: str) -> str:
    r"""Return ``text`` with everything that no terminal should get as its escape: ``\n``, ``\x1b``, ``\u202e``.

    These are line breaks, control characters, marks that turn the direction of writing, and bytes of a file's name that
    are no UTF-8. What is printable is kept.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Return a message as one printable line: runs of white space become one space, the middle of a long one goes."""
    return shortened(printable(" ".join(text.split())), longest)


def shortened(text: str, longest: int = LONGEST_LINE) -> str:
    """Return both ends of a text that is longer than ``longest`` characters."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} ... {text[-half:]}"


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that there is no ``kind`` of that name, which ones are written nearly like it, and what there is."""
    names = list(known)
    return f"unknown {kind} '{name}'{did_you_mean(name, names) or '.'} Known: {', '.join(names)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence, and one that asks for the names of ``known`` that are written nearly like ``name``.

    Nothing where there are none. Dashes before options make no two of them alike.
    """
    bare = {one.lstrip("-"): one for one in known}
    close = difflib.get_close_matches(name.lstrip("-"), bare, n=2, cutoff=0.5)
    return f". Did you mean {' or '.join(bare[one] for one in close)}?" if close else ""
