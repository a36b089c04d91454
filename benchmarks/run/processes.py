"""The processes of one command: one, or several under ``accelerate launch`` that share its cases.

Nothing here schedules work: a launcher (``accelerate launch``, ``torchrun``) starts the processes and sets the
variables that torch.distributed reads. Only the main process (rank 0) writes run.json and the report.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch

from ...core.errors import InvalidOptionError
from .launch import is_shared

T = TypeVar("T")

LONGEST_WAIT = timedelta(days=30)
"""Processes wait for each other at the end of a run, however uneven their shares are."""


@dataclass(frozen=True)
class Processes:
    """This process's place among ``count``; ``state`` is accelerate's, None for one process alone."""

    index: int = 0
    count: int = 1
    state: Any = None

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes what exists once."""
        return self.index == 0

    def share(self, items: Sequence[T]) -> list[T]:
        """Return this process's part of the list that all of them share: each item is one process's."""
        return list(items[self.index :: self.count])

    def wait(self) -> None:
        """Go on when every process has come here."""
        if self.state is not None:
            self.state.wait_for_everyone()

    def gather(self, item: T) -> list[T]:
        """Return what each process gives, in their order; every process has to call this."""
        if self.state is None:
            return [item]
        items: list[Any] = [None] * self.count
        torch.distributed.all_gather_object(items, item)
        return items

    def leave(self) -> None:
        """Part from the other processes in order: one that just ended would make the others abort."""
        if self.state is not None:
            self.wait()
            self.state.destroy_process_group()

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Let the main process through the block before the others.

        Where it raises in the main process, the others raise InvalidOptionError in place of entering the block.
        """
        if self.state is None:
            yield
        elif self.is_main:
            try:
                yield
            except Exception:
                self._announce(failed=True)
                raise
            self._announce(failed=False)
        else:
            if self._announce():
                raise InvalidOptionError("the main process could not start: it says why")
            yield

    def _announce(self, *, failed: bool = False) -> bool:
        """Say in the main process, and hear in the others, whether the main process failed."""
        word = torch.tensor([int(failed)], dtype=torch.int32, device=self.state.device)
        torch.distributed.broadcast(word, src=0)
        return bool(word)


def join_processes(device: str) -> Processes:
    """Join the other processes of this command, where a launcher started several; ``device`` is the run's.

    On CUDA each process gets the card of its local rank as its current device.
    """
    if not is_shared():
        return Processes()
    from accelerate import PartialState  # here: one process alone does not wait for the import

    state = PartialState(cpu=torch.device(device).type == "cpu", timeout=LONGEST_WAIT)
    return Processes(state.process_index, state.num_processes, state)
