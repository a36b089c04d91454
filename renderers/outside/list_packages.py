"""Prints the versions of a Python and of the packages that it finds, as JSON: ``PYTHON -s list_packages.py``.

Standard library alone, in the syntax of Python 3.7: this file imports nothing of bokehbench, and nothing that it lists.
"""

from __future__ import annotations

import json
import os
import sys

METADATA = (".dist-info", ".egg-info")
"""Ends of the names of what an installed package leaves beside itself: ``numpy-1.26.4.dist-info``."""


def find_packages(places: list[str]) -> dict[str, str]:
    """Return the version of each package by its name; what an import finds first counts."""
    found: dict[str, str] = {}
    for place in places:
        try:
            entries = sorted(os.listdir(place))
        except OSError:  # absent, an archive, or not readable, which stops no import either
            continue
        for entry in entries:
            stem, end = os.path.splitext(entry)
            if end in METADATA:
                name, _, version = stem.partition("-")
                found.setdefault(name, version)
    return found


if __name__ == "__main__":
    print(json.dumps(dict(find_packages(sys.path[1:]), Python=sys.version)))  # the first place is this file's own
