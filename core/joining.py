"""How the processes of one command find each other, and what is said where one does not come or no longer answers.

Everything waits in Python, in short steps: a wait inside PyTorch takes no signal before its end.
"""

import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch

from .errors import InvalidOptionError, LostProcessError
from .launch import Launch

WAIT_VARIABLE = "BOKEHBENCH_WAIT_MINUTES"
USUAL_MINUTES = 10.0
LONGEST_MINUTES = 30.0 * 24.0 * 60.0
STEP_S = 0.02
GONE = ("closed by peer", "reset by peer", "roken pipe", "imed out", "imeout", "NCCL", "onnection refused")
"""Of the texts of errors that PyTorch raises as plain RuntimeErrors where another process is gone."""


def patience() -> timedelta:
    """Return how long processes wait for each other: BOKEHBENCH_WAIT_MINUTES, else 10 minutes.

    So long at the start, and in a training at every step.

    Raises InvalidOptionError where the variable holds no number of minutes.
    """
    text = os.environ.get(WAIT_VARIABLE) or str(USUAL_MINUTES)
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0.0 < minutes <= LONGEST_MINUTES:
        raise InvalidOptionError(f"{WAIT_VARIABLE}: expected minutes, above 0 to {LONGEST_MINUTES:g}, got '{text}'")
    return timedelta(minutes=minutes)


def meet(launch: Launch) -> None:
    """Return when all processes of the command have come here. Raises LostProcessError where one does not."""
    if launch.count == 1:
        return
    limit = patience()
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    deadline = time.monotonic() + limit.total_seconds()
    # torchrun keeps the store in a process of its own, so that every worker only connects to it.
    hosts = launch.rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    if not hosts:
        wait_until(lambda: _answers(address, port), deadline, f"no main process at {address}:{port}")
    with lost_explained():
        # One server serves this store and the one that PyTorch opens next at the same port.
        store = torch.distributed.TCPStore(
            address, port, launch.count, hosts, limit, wait_for_workers=False, multi_tenant=True
        )
        arrived = f"bokehbench/arrived/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
        store.add(arrived, 1)
        wait_until(
            lambda: store.add(arrived, 0) >= launch.count,
            deadline,
            f"only {store.add(arrived, 0)} of {launch.count} processes have come",
        )
        _kept.append(store)


def wait_until(done: Callable[[], bool], deadline: float, what: str) -> None:
    """Return once ``done`` says so. Raises LostProcessError, which says ``what`` else, after the deadline."""
    while not done():
        if time.monotonic() > deadline:
            raise LostProcessError(
                f"{what} within {patience().total_seconds() / 60.0:g} minutes: start all processes, or give them longer"
                f" ({WAIT_VARIABLE})"
            )
        time.sleep(STEP_S)


def finish(work: Any) -> None:
    """Wait for a collective operation, as long as its group does. Raises LostProcessError where it fails."""
    with lost_explained():
        while not work.is_completed():
            time.sleep(STEP_S)
        work.wait()


@contextmanager
def lost_explained(several: bool = True) -> Iterator[None]:
    """Turn what PyTorch raises where another of ``several`` processes is gone into a LostProcessError."""
    try:
        yield
    except RuntimeError as error:
        text = str(error)
        known = isinstance(error, torch.distributed.DistError) or any(word in text for word in GONE)
        if not several or not known:
            raise
        reason = re.sub(r"^\[\S*\] ", "", text.strip().splitlines()[0]).partition(". ")[0]
        raise LostProcessError(
            f"another process of this command has ended or does not answer ({reason}): see what it says, then give the"
            " same command to go on"
        ) from error


_kept: list[Any] = []
"""Stores that other processes may still ask while this one lives."""


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1.0).close()
    except OSError:
        return False
    return True
