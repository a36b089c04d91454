"""Texts from files, folders and command lines, made fit for one line of a terminal, a log or a table."""

LONGEST_LINE = 2000
"""Characters; of a longer text the middle is left out."""


def printable(text: str, longest: int = LONGEST_LINE) -> str:
    r"""Return ``text`` with everything that no terminal should get as its escape: ``\n``, ``\x1b``, ``\u202e``.

    These are line breaks, control characters, marks that turn the direction of writing, and bytes of a file's name that
    are no UTF-8. What is printable is kept.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} ... {text[-half:]}"


def one_line(text: str) -> str:
    """Return a message as one printable line: runs of white space become one space."""
    return printable(" ".join(text.split()))
