"""The number of threads that kernels may use: one for all libraries."""

import cv2
import numba
import torch


def use_torch_threads() -> None:
    """Let numba, in the calling thread, and OpenCV use as many threads as PyTorch, which follows OMP_NUM_THREADS.

    Call it before the number is recorded: numba's OpenMP layer raises PyTorch's as it starts, which is undone here.
    """
    threads = torch.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    cv2.setNumThreads(threads)
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
