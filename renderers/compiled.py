"""How CPU kernels are compiled: without the interpreter lock, cached on disk where a disk can be written.

numba's cache watches only the file that holds a kernel: after editing a function that kernels of other files call,
delete the ``__pycache__`` folder.
"""

import logging
from collections.abc import Callable
from typing import Any

from numba import njit

log = logging.getLogger(__name__)


def compiled(function: Callable | None = None, **options: Any) -> Callable:
    """Compile ``function`` at its first call; releases the interpreter lock, divides like numpy.

    Use it bare or with numba's ``options`` (``parallel``, ``fastmath``). The machine code is kept beside the source, or
    in the user's cache folder where that is read-only. Where neither can be written the kernel is compiled anew in each
    process (seconds), and the log says so.
    """
    if function is None:
        return lambda decorated: compiled(decorated, **options)
    options = {"nogil": True, "error_model": "numpy", **options}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError as error:
        log.warning("%s is compiled anew in each process: set NUMBA_CACHE_DIR (%s)", function.__name__, error)
        return njit(**options)(function)
