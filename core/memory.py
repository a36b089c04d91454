"""How this process holds memory; imports nothing heavy."""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Of glibc's ``mallopt``."""

KEPT_BYTES = 2**31 - 1
"""As many as its argument can say."""


def keep_freed_memory() -> None:
    """Let glibc hand freed arrays out again, where it is the C library, instead of giving them back to the system.

    By default every large array is fresh memory, which the system clears page by page when it is first written: a
    photograph of 12 megapixels passes through a dozen arrays of 144 MB, and clearing them took longer than anything
    but the scatter itself. Memory at the peak stays what it is; it is held until the process ends, so this is for
    commands that end soon.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # Where so high a threshold is refused, as old versions do, the other one alone would make more arrays fresh.
    if mallopt is not None and mallopt(MMAP_THRESHOLD, KEPT_BYTES):
        mallopt(TRIM_THRESHOLD, KEPT_BYTES)
