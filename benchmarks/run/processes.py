"""The processes of one command: one, or several under ``accelerate launch`` that share its cases.

Nothing here schedules work: a launcher (``accelerate launch``, ``torchrun``) starts the processes and sets the
variables that torch.distributed reads (``core.launch``). Only the main process (rank 0) writes run.json and the report.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch

from ...core.errors import InvalidOptionError
from ...core.joining import finish, lost_explained, meet, patience
from ...core.launch import read_launch

T = TypeVar("T")

LONGEST_WAIT = timedelta(days=1)
"""Of a run's processes for each other at its end, however uneven their shares. One that dies is noticed at once; this
bounds the wait for one whose machine has vanished.
"""


@dataclass(frozen=True)
class Processes:
    """This process's place among ``count``; ``group`` is torch.distributed's, None for one process alone."""

    index: int = 0
    count: int = 1
    group: Any = None

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes what exists once."""
        return self.index == 0

    def share(self, items: Sequence[T]) -> list[T]:
        """Return this process's part of the list that all of them share: each item is one process's."""
        return list(items[self.index :: self.count])

    def wait(self) -> None:
        """Go on when every process has come here. Raises LostProcessError where one has ended."""
        if self.group is not None:
            with lost_explained():
                work = torch.distributed.barrier(self.group, async_op=True)
            finish(work)

    def gather(self, item: T) -> list[T]:
        """Return what each process gives, in their order; every process has to call this."""
        if self.group is None:
            return [item]
        self.wait()
        items: list[Any] = [None] * self.count
        with lost_explained():
            torch.distributed.all_gather_object(items, item, self.group)
        return items

    def leave(self) -> None:
        """Part from the other processes in order: one that just ended would make the others abort."""
        if self.group is not None:
            self.wait()
            torch.distributed.destroy_process_group()

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Let the main process through the block before the others.

        Where it raises in the main process, the others raise InvalidOptionError in place of entering the block.
        """
        if self.group is None:
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
        word = torch.tensor([int(failed)], dtype=torch.int32)
        with lost_explained():
            work = torch.distributed.broadcast(word, src=0, group=self.group, async_op=True)
        finish(work)
        return bool(word)


def join_processes(device: str) -> Processes:
    """Join the other processes of this command, where a launcher started several; ``device`` is the run's.

    On CUDA each process gets the card of its local rank as its current device. Raises LostProcessError where one does
    not come.
    """
    launch = read_launch()
    if launch.count == 1:
        return Processes()
    meet(launch)
    from accelerate import PartialState  # here: one process alone does not wait for the import

    with lost_explained():
        PartialState(cpu=torch.device(device).type == "cpu", timeout=patience())
        group = torch.distributed.new_group(backend="gloo", timeout=LONGEST_WAIT)
    return Processes(launch.rank, launch.count, group)
