"""Work that threads share: compiled kernels that release the interpreter lock, each thread a part of a range."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba


def share_range(kernel: Callable[..., None], count: int, *arguments: Any) -> None:
    """Call ``kernel((first, end), *arguments)`` for parts of 0 to ``count``, in as many threads as numba is set to."""
    threads = min(count, numba.get_num_threads())
    shares = [(count * i // threads, count * (i + 1) // threads) for i in range(threads)]
    if threads == 1:
        kernel(shares[0], *arguments)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda share: kernel(share, *arguments), shares))
