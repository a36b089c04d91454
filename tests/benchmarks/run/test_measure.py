import subprocess
import sys

import pytest

RENDERER = """
import numpy as np
import torch
from bokehbench.benchmarks.run.measure import measure

kept = [np.ones(64 * 2**20, np.uint8)]


def replace_kept():
    kept.append(np.ones(64 * 2**20, np.uint8))
    kept.pop(0)


for _ in range(2):
    print(measure(replace_kept, torch.device("cpu")).peak_memory_mb)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's high-water mark is Linux's")
def test_memory_held_from_before_does_not_count():
    """A renderer that keeps the last scene costs what the new one takes, not both.

    In a process of its own: what other threads of the tests' process free meanwhile counts, too.
    """
    done = subprocess.run([sys.executable, "-c", RENDERER], capture_output=True, text=True, check=True)
    assert list(map(float, done.stdout.split())) == pytest.approx([64.0, 64.0], abs=12)
