"""torch's settings of the process, which a plug-in may change and everything after it would compute under."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def keeping_torch_state() -> Iterator[None]:
    """Set number of threads, default type, default device and gradients back to what they were at the start."""
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    device, gradients = torch.get_default_device(), torch.is_grad_enabled()
    try:
        yield
    finally:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)  # numba's OpenMP layer raises it as it starts
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        torch.set_grad_enabled(gradients)
