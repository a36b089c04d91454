"""Where a line may end in names and commands, in HTML: not within a word of a name, not within an option's name."""

import re

from markupsafe import Markup

BEHIND_A_SIGN = re.compile(r"(?<=[,+])(?=\w)")
OPTION = re.compile(r"--[A-Za-z][\w-]*")


def break_name(name: object) -> Markup:
    """Return a renderer's name, escaped, that may go on in a new line behind a plus, as behind a hyphen."""
    return Markup("+<wbr>").join(str(name).split("+"))


def keep_options(text: object) -> Markup:
    """Return a text, escaped, in which the name of each option (``--limit``) stays on one line.

    A list of names may go on in a new line behind a comma or a plus.
    """
    words, kept = str(text), Markup()
    end = 0
    for option in OPTION.finditer(words):
        kept += _break_lists(words[end : option.start()]) + Markup('<span class="whole">{}</span>').format(option[0])
        end = option.end()
    return kept + _break_lists(words[end:])


def _break_lists(text: str) -> Markup:
    return Markup("<wbr>").join(BEHIND_A_SIGN.split(text))
