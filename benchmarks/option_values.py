"""Values of options, from the words of a command line. Imports nothing heavy.

A word that is not one ends as argparse's ArgumentTypeError, or as InvalidOptionError where others ask for it too.
"""

import argparse
import re

from ..core.errors import InvalidOptionError
from ..core.text import printable, shortened
from ..renderers.programs.catalogue import GROUP as PROGRAMS
from ..renderers.programs.catalogue import installed
from .metrics.registry import METRICS

Size = tuple[int, int]
"""Height and width, px."""

LONGEST_NAME = 200

LARGEST_COUNT = 2**31 - 1
LARGEST_SEED = 2**63 - 1
"""Whole numbers beyond 64 bits would make a record that cannot be read again."""


def run_name(text: str) -> str:
    """Return the name of a run. Raises InvalidOptionError for one that is not a plain folder name."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", text):
        raise InvalidOptionError(
            f"--run '{text}': expected letters, digits, '.', '_' or '-', not starting with '.' or '-'"
        )
    return text


def author(text: str) -> str:
    """Return who measured: a printable line of at most ``LONGEST_NAME`` characters."""
    if not text.isprintable() or len(text) > LONGEST_NAME:
        raise argparse.ArgumentTypeError(
            f"expected a line of at most {LONGEST_NAME} characters, got '{printable(text)}'"
        )
    return text


def device_name(text: str) -> str:
    """Return the name of a device, here or not. Raises InvalidOptionError for one that PyTorch's own words lack."""
    if not re.fullmatch(r"cpu|cuda(:\d+)?", text):
        raise InvalidOptionError(f"--device '{text}': expected cpu, cuda or cuda:N")
    return text


def names(text: str) -> list[str]:
    """Parse ``a,b,c``; repeated names count once."""
    found = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise argparse.ArgumentTypeError("expected at least one name")
    if not all(map(str.isprintable, found)):
        raise argparse.ArgumentTypeError(f"expected printable names, got {printable(text)}")
    return found


def metric_names(text: str) -> list[str]:
    """Parse ``a,b,c``, where ``all`` stands for every metric there is."""
    found = names(text)
    if "all" in found:
        found = [*METRICS.entries, *(name for name in found if name not in ("all", *METRICS.entries))]
    return found


def renderer_names(text: str) -> list[str]:
    """Parse ``a,b,c``, where ``programs`` stands for the outside programs that are installed here."""
    found = [name for word in names(text) for name in (installed() if word == PROGRAMS else [word])]
    if not found:
        raise argparse.ArgumentTypeError(f"'{PROGRAMS}': none is installed: docs/catalogue.md says what there is")
    return list(dict.fromkeys(found))


def positive(text: str) -> int:
    """Parse a whole number above 0, up to ``LARGEST_COUNT``."""
    if not text.isdecimal() or not text.strip("0"):
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got '{text}'")
    return _bounded(text, LARGEST_COUNT)


def seed_number(text: str) -> int:
    """Parse a whole number from 0 to ``LARGEST_SEED``: NumPy's generators take none below 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number from 0, got '{text}'")
    return _bounded(text, LARGEST_SEED)


def _bounded(digits: str, most: int) -> int:
    """Return the number; Python refuses to read more than 4300 digits."""
    if len(digits) > len(str(most)) or int(digits) > most:
        raise argparse.ArgumentTypeError(f"expected at most {most}, got {shortened(digits, 60)}")
    return int(digits)


def numbers(text: str) -> list[float]:
    """Parse ``-4,0,2.5``."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected comma-separated numbers, got '{text}'") from None


def severities(text: str) -> list[float]:
    """Parse numbers as the report writes them, to six digits: two that read alike there are one."""
    return [float(f"{number:g}") for number in numbers(text)]


def image_sizes(text: str) -> list[Size]:
    """Parse ``512,768x512`` into (height, width); one number is a square."""
    found = []
    for part in text.split(","):
        sides = part.strip().split("x")
        if len(sides) > 2 or not all(side.isdecimal() and side.strip("0") for side in sides):
            raise argparse.ArgumentTypeError(
                f"expected N or WxH, each a whole number above 0, got '{printable(part.strip())}'"
            )
        found.append((positive(sides[-1]), positive(sides[0])))
    return found


def sizes_of_renderers(text: str) -> list[tuple[str, Size]]:
    """Parse ``classical=4096,bokehdiff=1536x1024`` into pairs of a renderer's name and a size."""
    found = []
    for part in text.split(","):
        name, _, size = part.strip().rpartition("=")
        if not name:
            raise argparse.ArgumentTypeError(f"expected RENDERER=SIZE, got '{printable(part)}'")
        found += [(name, one) for one in image_sizes(size)]
    return found


def blur_radii(text: str) -> list[float]:
    """Parse ``8,32``, all above 0."""
    found = numbers(text)
    if not all(0 < radius < float("inf") for radius in found):
        raise argparse.ArgumentTypeError(f"expected numbers above 0, got '{text}'")
    return found
