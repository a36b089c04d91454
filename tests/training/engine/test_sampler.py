"""Which samples a step meets, and who makes them."""

import importlib

import numpy as np
import pytest
from torch.utils.data import Dataset

from bokehbench.training.engine.sampler import StepSampler, length_of, make_loader, worker_options

PROBE = """
import numba, torch

class Threads(torch.utils.data.Dataset):
    def __getitem__(self, index):
        return torch.tensor([index, numba.get_num_threads(), torch.get_num_threads()])
"""
"""Samples that say how many threads kernels may use where they are made; a module, so that workers can import it."""


def test_a_step_meets_the_same_samples_however_it_is_reached():
    whole = list(StepSampler(10, 4, seed=1, first=0, last=9))
    assert list(StepSampler(10, 4, seed=1, first=5, last=9)) == whole[5:]
    for epoch in range(3):
        assert sorted(np.concatenate(whole)[10 * epoch : 10 * (epoch + 1)]) == list(range(10))
    assert np.concatenate(whole)[:10].tolist() != np.concatenate(whole)[10:20].tolist()


def test_processes_share_a_step():
    parts = [list(StepSampler(None, 2, seed=0, first=0, last=3, rank=rank, processes=2)) for rank in (0, 1)]
    assert sorted(np.concatenate([*parts[0], *parts[1]])) == list(range(12))


def test_workers_have_one_thread_each(monkeypatch, tmp_path):
    (tmp_path / "thread_probe.py").write_text(PROBE)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")  # what a machine of two cores would take
    threads = importlib.import_module("thread_probe").Threads()
    (batch,) = make_loader(threads, StepSampler(None, 2, 0, 0, 1), workers=1)
    assert batch.tolist() == [[0, 1, 1], [1, 1, 1]]


def test_without_workers_no_process_is_started():
    assert worker_options(0) == {"num_workers": 0}


@pytest.mark.parametrize(("dataset", "length"), [(Dataset(), None), ([1, 2, 3], 3)])
def test_length(dataset, length):
    assert length_of(dataset) == length
