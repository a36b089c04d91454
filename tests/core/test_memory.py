"""Freed memory is handed out again, which costs no page fault."""

import ctypes
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from bokehbench.core.memory import MMAP_THRESHOLD, TRIM_THRESHOLD, keep_freed_memory

PROGRAM = """
import resource
from bokehbench.core.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytearray(1 << 26)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

fresh = [faults(), faults()]
keep_freed_memory()
print(min(fresh), faults(), faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc")
def test_freed_memory_is_used_again():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    fresh, first, second = map(int, done.stdout.split())
    assert fresh > 0
    assert first > 0
    assert second < 0.1 * fresh


@pytest.mark.parametrize(("taken", "asked"), [(1, [MMAP_THRESHOLD, TRIM_THRESHOLD]), (0, [MMAP_THRESHOLD])])
def test_a_refused_threshold_leaves_the_other_as_it_is(taken, asked, monkeypatch):
    numbers = []
    library = SimpleNamespace(mallopt=lambda number, _: numbers.append(number) or taken)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    keep_freed_memory()
    assert numbers == asked
