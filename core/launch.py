"""What a launcher (``accelerate launch``, ``torchrun``) tells this process; imports nothing heavy."""

import os
import sys
from dataclasses import dataclass
from typing import NoReturn

from .errors import InvalidOptionError

REMEDY = "start the command with accelerate launch or torchrun, or unset RANK and WORLD_SIZE"


@dataclass(frozen=True)
class Launch:
    """This process is number ``rank`` of ``count`` that share the command."""

    rank: int = 0
    count: int = 1


def read_launch() -> Launch:
    """Return this process's place among those that share the command; alone without a launcher.

    Raises InvalidOptionError where the launcher's variables are incomplete or contradict each other.
    """
    if "RANK" not in os.environ and "WORLD_SIZE" not in os.environ:
        return Launch()
    launch = Launch(_read_number("RANK"), _read_number("WORLD_SIZE", lowest=1))
    if launch.rank >= launch.count:
        raise InvalidOptionError(f"RANK: expected below WORLD_SIZE={launch.count}, got {launch.rank}: {REMEDY}")
    if launch.count > 1:
        if not os.environ.get("MASTER_ADDR"):
            raise InvalidOptionError(f"MASTER_ADDR: expected the main process's machine, got nothing: {REMEDY}")
        _read_number("MASTER_PORT", lowest=1, highest=65535)
        _read_number("LOCAL_RANK", highest=launch.count - 1)
    return launch


def is_helper() -> bool:
    """Whether this process shares a command whose main process is another."""
    return read_launch().rank > 0


def leave(code: int) -> NoReturn:
    """End this process with an exit code, after whatever it had to say.

    One of several that failed ends at once: where another one is gone, PyTorch's threads may abort a slow end, and the
    launcher would see SIGABRT in place of the code.
    """
    if code and os.environ.get("WORLD_SIZE", "1") != "1":
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _read_number(name: str, lowest: int = 0, highest: int = 10**6) -> int:
    text = os.environ.get(name)
    number = int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 10 else -1
    if not lowest <= number <= highest:
        got = "nothing" if text is None else f"'{text}'"
        raise InvalidOptionError(f"{name}: expected a whole number from {lowest} to {highest}, got {got}: {REMEDY}")
    return number


def let_threads_sleep() -> None:
    """Let GNU OpenMP's threads, PyTorch's on Linux, sleep at once when they have no work; to call before its import.

    By default they wait by spinning, on the cores that compiled kernels run on meanwhile: a render of ``bokehdiff`` on
    two cores took 0.79 s with it, 0.61 s without. Whoever has set GOMP_SPINCOUNT keeps it.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
