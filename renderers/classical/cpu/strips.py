"""Horizontal strips of the output, rendered by a pool of threads.

Each strip owns its rows of the output and gathers from all sources in reach, in a fixed order: no races, and the same
bits for any number of threads.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SERIAL_ELEMENTS = 31 * 1024
"""Operations of PyTorch on fewer than 32768 elements stay in the thread that calls them."""


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


def map_strips(function: Callable[[Tensor], Tensor], tensor: Tensor, threads: int) -> Tensor:
    """Return ``function(tensor)``, element by element, computed by the same pool; float32 on the CPU, any shape.

    PyTorch's own threads wait for their next operation by spinning, on cores that compiled kernels need meanwhile.
    """
    values = np.ascontiguousarray(tensor.detach().numpy()).ravel()
    result = np.empty_like(values)

    def compute(first: int, last: int) -> None:
        torch.from_numpy(result[first:last]).copy_(function(torch.from_numpy(values[first:last])))

    pieces = [(first, min(first + SERIAL_ELEMENTS, len(values))) for first in range(0, len(values), SERIAL_ELEMENTS)]
    run_strips(compute, pieces, threads)
    return torch.from_numpy(result.reshape(tensor.shape))
