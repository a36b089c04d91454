"""Work that threads share: compiled kernels that release the interpreter lock, each thread a part of a range."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba


def share_range(kernel: Callable[..., None], count: int, *arguments: Any, pieces: int = 1) -> None:
    """Call ``kernel((first, end), *arguments)`` for parts of 0 to ``count``, in as many threads as numba is set to.

    ``pieces``: parts for each thread; more where parts differ in cost and none costs much to begin.
    """
    threads = min(count, numba.get_num_threads())
    parts = min(count, threads * pieces)
    shares = [(count * i // parts, count * (i + 1) // parts) for i in range(parts)]
    if threads == 1:
        kernel((0, count), *arguments)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda share: kernel(share, *arguments), shares))
