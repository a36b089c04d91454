"""All libraries use as many threads as PyTorch."""

import cv2
import numba
import pytest
import torch

from bokehbench.core.threads import use_torch_threads


@pytest.fixture(autouse=True)
def restored():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    use_torch_threads()


@pytest.mark.parametrize("threads", [1, 2])
def test_all_use_the_same_number(threads: int) -> None:
    torch.set_num_threads(threads)
    use_torch_threads()
    most = numba.config.NUMBA_NUM_THREADS
    assert (torch.get_num_threads(), cv2.getNumThreads()) == (threads, threads)
    assert numba.get_num_threads() == min(threads, most)
