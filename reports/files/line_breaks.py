"""Where a line may end in names and commands, in HTML: not within a word of a name, not within an option's name."""

import re

from markupsafe import Markup, escape

OPTION = re.compile(r"--[A-Za-z][\w-]*")


def break_name(name: object) -> Markup:
    """Return a renderer's name, escaped, that may go on in a new line behind a plus, as behind a hyphen."""
    return Markup("+<wbr>").join(str(name).split("+"))


def keep_options(text: object) -> Markup:
    """Return a text, escaped, in which the name of each option (``--limit``) stays on one line."""
    words, kept = str(text), Markup()
    end = 0
    for option in OPTION.finditer(words):
        kept += escape(words[end : option.start()]) + Markup('<span class="whole">{}</span>').format(option[0])
        end = option.end()
    return kept + escape(words[end:])
