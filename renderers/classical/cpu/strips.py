"""Horizontal strips of the output, rendered by a pool of threads.

Each strip owns its rows of the output and gathers from all sources in reach, in a fixed order: no races, and the same
bits for any number of threads.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def split_rows(work: NDArray[np.floating], strips: int) -> list[tuple[int, int]]:
    """Split rows into at most ``strips`` strips (first row, row after the last) of about equal work.

    ``work``: (H,), > 0, the work of each row. Few tall strips, one per thread, suit the scatter kernels best: a disc
    that lies in one strip shares its weights between its upper and its lower half.
    """
    done = np.cumsum(work, dtype=np.float64)
    shares = done[-1] * np.arange(1, strips) / strips
    bounds = [0, *np.unique(np.searchsorted(done, shares) + 1), len(work)]
    return [(int(top), int(bottom)) for top, bottom in pairwise(bounds) if top < bottom]


def run_strips(render: Callable[[int, int], None], strips: Iterable[tuple[int, int]], threads: int) -> None:
    """Call ``render(top, bottom)`` for every strip, ``threads`` at a time; it must release the interpreter lock."""
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(render, top, bottom) for top, bottom in strips]:
            done.result()
