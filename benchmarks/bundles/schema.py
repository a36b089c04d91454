"""What a bundle is: a zip file of these members, listed in its manifest with their digests, and how large it may be.

manifest.json     what this is, from which version, and the SHA-256 of every other member
run.json          as in the run's folder
rows.jsonl        the rows that count, a line each, short of tracebacks
scenes.jsonl      the record of every scene of these rows, a line each
latency.json      where latency was measured
images/, scenes/  with pictures: those that were scored, and those of the scenes; stored, not compressed

Texts are deflated; a text or a picture has at most ``LARGEST_MEMBER_BYTES``. There is no comment and no ZIP64.
"""

from typing import Annotated, Literal

from pydantic import StringConstraints
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from ..option_values import LONGEST_NAME

FORMAT: Literal["bokehbench run"] = "bokehbench run"
SCHEMA: Literal[1] = 1

MANIFEST, RUN, ROWS, SCENES, LATENCY = "manifest.json", "run.json", "rows.jsonl", "scenes.jsonl", "latency.json"
TEXTS = (MANIFEST, RUN, ROWS, SCENES, LATENCY)
NEEDED = (RUN, ROWS, SCENES)

MOST_MEMBERS = 50_000
LARGEST_DIRECTORY_BYTES = 1 << 24
LARGEST_MEMBER_BYTES = 1 << 26
MOST_PIXELS = 1 << 26


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Manifest(TypedDict):
    """The content of manifest.json; ``members``: the digest of every other one.

    ``by``: who measured, empty where that is not said; ``version`` and ``commit`` are those of the code that wrote it.
    """

    format: Literal["bokehbench run"]
    schema: Literal[1]
    run: str
    by: Annotated[str, StringConstraints(max_length=LONGEST_NAME)]
    version: str
    commit: str | None
    members: dict[str, Sha256]
