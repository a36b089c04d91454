import sys

import numpy as np
import pytest
import torch

from bokehbench.benchmarks.run.measure import measure


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's high-water mark is Linux's")
def test_memory_held_from_before_does_not_count():
    """A renderer that keeps the last scene costs what the new one takes, not both."""
    kept = [np.ones(64 * 2**20, np.uint8)]

    def replace_kept():
        kept.append(np.ones(64 * 2**20, np.uint8))
        kept.pop(0)

    for _ in range(2):
        found = measure(replace_kept, torch.device("cpu"))
        assert found.peak_memory_mb == pytest.approx(64, abs=12)
