"""Texts from files, folders and command lines, made fit for one line of a terminal, a log or a table."""

import difflib
from collections.abc import Iterable

LONGEST_LINE = 2000
"""Characters; of a longer text the middle is left out."""


MOST_NAMES = 20
"""As many as a line can list and still be read."""


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


def unknown_name(kind: str, name: str, known: Iterable[str], listed_by: str = "") -> str:
    """Say that there is no ``kind`` of that name, which ones are written nearly like it, and what there is.

    ``listed_by``: the command that lists them; it is named in place of more than MOST_NAMES names.
    """
    names = list(known)
    few = not listed_by or len(names) <= MOST_NAMES
    listed = ", ".join(names) if few else f"{len(names)} names, see {listed_by}"
    return f"unknown {kind} '{name}'{did_you_mean(name, names, 2 if few else 3) or '.'} Known: {listed}"


def did_you_mean(name: str, known: Iterable[str], most: int = 2) -> str:
    """Return the end of a sentence, and one that asks for the names of ``known`` that are written nearly like ``name``.

    Nothing where there are none. Dashes before options make no two of them alike.
    """
    *others, last = _alike(name, known, most) or [""]
    names = f"{', '.join(others)} or {last}" if others else last
    return f". Did you mean {names}?" if last else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the name of ``known`` that is written most like ``name``, as ``did_you_mean``; "" where none is."""
    return next(iter(_alike(name, known, 1)), "")


def _alike(name: str, known: Iterable[str], most: int) -> list[str]:
    bare = {one.lstrip("-"): one for one in known}
    return [bare[one] for one in difflib.get_close_matches(name.lstrip("-"), bare, most, cutoff=0.5)]
