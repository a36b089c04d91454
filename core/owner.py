"""Processes that help another one: they end with it, however it ends."""

import os
import threading
from collections.abc import Callable


def end_after(wait: Callable[[], object]) -> None:
    """End this process, whatever it is at, when ``wait`` returns; a thread calls it. Give what waits for the owner.

    Reading a pipe to its end does, which the owner alone writes to: the system closes it with the owner.
    """

    def follow() -> None:
        wait()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
