"""Writes a leaderboard of stored runs as Markdown: python -m bokehbench.reports.leaderboard RUN --output FILE.md."""

import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..benchmarks.latency.session import FILE as LATENCY_FILE
from ..benchmarks.latency.session import read_latency
from ..benchmarks.request import run_folder
from ..benchmarks.run.store import RUN_FILE, StoredRun
from ..core.atomic_files import write_atomically
from ..core.commands import ends_in_one_line
from ..core.errors import DamagedRecordError, InvalidOptionError
from ..core.option_parser import OneLineParser
from .parts.leaderboard import make_leaderboard
from .parts.markdown import write_markdown

log = logging.getLogger(__name__)

MODULE = "bokehbench.reports.leaderboard"

ELSEWHERE = "--from DIR"
"""The option that says where runs are, for errors."""


@ends_in_one_line(MODULE, goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Write the leaderboard that ``arguments``, or the command line, ask for; return the exit code."""
    parser = OneLineParser(prog=f"python -m {MODULE}", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="a run's name below DIR/results, or its folder; one with latency alone gives times to the others",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.md", help="the page to write")
    add_from(parser)
    given = parser.parse_args(arguments)
    runs, latencies = read_runs([find_run(name, given.folder) for name in dict.fromkeys(given.runs)])
    board = make_leaderboard(runs, latencies)
    if board is None:
        raise InvalidOptionError(f"{', '.join(given.runs)}: expected two renderers with scores on one data set")
    command = shlex.join(["python", "-m", MODULE, *(sys.argv[1:] if arguments is None else arguments)])
    page = write_markdown(board, command)
    write_atomically(given.output, lambda file: file.write(page.encode()))
    print(f"{', '.join(one.dataset for one in board.boards)}: {given.output}")
    return 0


def add_from(parser: OneLineParser) -> None:
    """Let ``parser`` take the folder that runs are looked for in, as ``folder``."""
    parser.add_argument(
        "--from",
        dest="folder",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="run_bench.py's --output, or its own folder where it had none; default: the current folder",
    )


def find_run(name: str, output: Path) -> Path:
    """Return the folder of a run that is given by its folder or its name. Raises InvalidOptionError for no name."""
    folder = Path(name)
    is_run = any((folder / file).is_file() for file in (RUN_FILE, LATENCY_FILE))
    return folder if is_run else run_folder(output, name)


def read_runs(folders: Sequence[Path]) -> tuple[list[StoredRun], dict[str, Any]]:
    """Return the runs with rows, and what latency.json says in any folder, by the run's name.

    Raises InvalidOptionError where neither is in a folder, or two have one name.
    """
    names = [folder.resolve().name for folder in folders]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InvalidOptionError(f"two runs are called '{twice}': expected each name once")
    runs, latencies = [], {}
    for name, folder in zip(names, folders, strict=True):
        try:
            latency = read_latency(folder)
        except DamagedRecordError as error:
            log.warning("%s: its times are left out", error)
            latency = None
        if latency is not None:
            latencies[name] = latency
        if latency is None or (folder / RUN_FILE).exists():
            runs.append(StoredRun.open(folder.resolve(), ELSEWHERE))
    return runs, latencies


if __name__ == "__main__":
    sys.exit(main())
