"""Horizontal strips of the output, rendered by a pool of threads.

Each strip owns its rows of the output and gathers from all sources in reach, in a fixed order: no races, and the same
bits for any number of threads.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

STRIPS_PER_THREAD = 2
"""More balance the load better; fewer repeat less of the work that both halves of a disc share."""


def split_rows(height: int, threads: int) -> list[tuple[int, int]]:
    """Split ``height`` rows into strips (first row, row after the last)."""
    rows = -(-height // (STRIPS_PER_THREAD * threads))
    return [(top, min(top + rows, height)) for top in range(0, height, rows)]


def run_strips(render: Callable[[int, int], None], strips: Iterable[tuple[int, int]], threads: int) -> None:
    """Call ``render(top, bottom)`` for every strip, ``threads`` at a time; it must release the interpreter lock."""
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(render, top, bottom) for top, bottom in strips]:
            done.result()
