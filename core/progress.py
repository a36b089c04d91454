"""Progress bars, which are lines of a log where nobody watches: in a file or a pipe a bar would be one endless line."""

import sys
import time
from typing import Any

from tqdm import tqdm

SECONDS_A_LINE = 30.0
LINE_FORMAT = "{l_bar} {n_fmt}/{total_fmt} {unit}s [{elapsed}<{remaining}{postfix}]"


class ProgressBar(tqdm):  # type: ignore[type-arg]
    """tqdm's bar on a terminal; elsewhere a line at the beginning, every 30 seconds and at the end.

    Of a bar that does not stay (``leave=False``) lines are written every 30 seconds only.
    """

    def __init__(self, *arguments: Any, **options: Any):
        file = options.get("file") or sys.stderr
        self._is_bar = bool(getattr(file, "isatty", lambda: False)())
        self._is_left = options.get("leave") is not False
        self._next_line, self._last_line = 0.0 if self._is_left else time.monotonic() + SECONDS_A_LINE, ""
        if not self._is_bar:
            options["bar_format"] = options.get("bar_format", LINE_FORMAT).replace("{bar}|", "")
        super().__init__(*arguments, **options)

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        """Draw the bar, or write a line once the last one is old enough."""
        if self._is_bar:
            return bool(super().display(msg, pos))
        if msg is None and time.monotonic() >= self._next_line:
            self._write_line()
        return False

    def close(self) -> None:
        """End the bar, or the log with a line."""
        if not self._is_bar:
            if not self.disable and self._last_line and self._is_left:
                self._write_line()
            self.leave = False  # or tqdm ends a bar that was never drawn
        super().close()

    def _write_line(self) -> None:
        line = str(self)
        if line != self._last_line:
            self.fp.write(f"{line}\n")
            self.fp.flush()
        self._last_line = line
        self._next_line = time.monotonic() + SECONDS_A_LINE
