import ctypes
import sys
from types import SimpleNamespace

import pytest

from bokehbench.core.memory import MMAP_THRESHOLD, TRIM_THRESHOLD, keep_freed_memory


@pytest.mark.parametrize(("taken", "asked"), [(1, [MMAP_THRESHOLD, TRIM_THRESHOLD]), (0, [MMAP_THRESHOLD])])
def test_a_refused_threshold_leaves_the_allocator_as_it_is(taken, asked, monkeypatch):
    numbers = []
    library = SimpleNamespace(mallopt=lambda number, _: numbers.append(number) or taken)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    keep_freed_memory()
    assert numbers == asked
    del library.mallopt
    keep_freed_memory()
    assert numbers == asked
