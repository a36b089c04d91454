"""Which samples a step trains on: a pure function of the step, so that a resumed run meets those it would have."""

import signal
from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from ...core.threads import use_torch_threads


class StepSampler(Sampler[list[int]]):
    """Yields one list of sample indices per forward pass, from pass ``first`` to ``last`` - 1.

    ``length``: number of samples, drawn in a new order in every epoch; None for endless data, counted upwards.
    Process ``rank`` of ``processes`` takes its own part of every pass, so that the number of processes decides only how
    the samples of a pass are shared out.
    """

    def __init__(
        self, length: int | None, batch: int, seed: int, first: int, last: int, rank: int = 0, processes: int = 1
    ):
        self.length, self.batch, self.seed = length, batch, seed
        self.first, self.last = first, last
        self.rank, self.processes = rank, processes

    def __len__(self) -> int:
        """Return the number of passes."""
        return max(self.last - self.first, 0)

    def __iter__(self) -> Iterator[list[int]]:
        """Iterate over the passes."""
        epoch, order = -1, np.empty(0, np.int64)
        for number in range(self.first, self.last):
            start = (number * self.processes + self.rank) * self.batch
            indices = []
            for position in range(start, start + self.batch):
                if self.length is None:
                    indices.append(position)
                    continue
                if position // self.length != epoch:
                    epoch = position // self.length
                    order = np.random.Generator(np.random.PCG64([self.seed, epoch])).permutation(self.length)
                indices.append(int(order[position % self.length]))
            yield indices


def make_loader(dataset: Dataset[Any], sampler: Sampler[list[int]], workers: int) -> DataLoader[Any]:
    """Return a loader of the sampler's batches, in their order whatever the number of ``workers``."""
    return DataLoader(dataset, batch_sampler=sampler, **worker_options(workers))


def length_of(dataset: Dataset[Any]) -> int | None:
    """Return how many samples there are, None for endless data."""
    return len(dataset) if isinstance(dataset, Sized) else None


def worker_options(workers: int) -> dict[str, Any]:
    """Return how a DataLoader starts ``workers`` processes: fresh interpreters of one thread each.

    Fork is unsafe beside the threads of numba and torch.
    """
    if workers == 0:
        return {"num_workers": 0}
    return {"num_workers": workers, "multiprocessing_context": "spawn", "worker_init_fn": begin_worker}


def begin_worker(_worker: int) -> None:
    """Keep kernels in numba, OpenCV and torch to one thread: processes share out the cores already.

    Ctrl-C, which a terminal sends to every process, is the main one's: it may need the samples of its step.
    """
    torch.set_num_threads(1)
    use_torch_threads()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
