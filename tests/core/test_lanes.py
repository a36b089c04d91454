"""Sixteen floats as one value against numpy, and that processors get vector instructions for them."""

import platform

import numpy as np
import pytest
from numba import njit

from bokehbench.core.compiled import compiled
from bokehbench.renderers.classical.cpu import lanes
from bokehbench.renderers.classical.cpu.lanes import any_of, fill, load, select, store


@compiled
def combine(one, other, out):
    a, b = load(one, 0), load(other, 0)
    where = (a < b) & (fill(np.float32(0.25)) <= b)
    store(out, 0, select(where, (a + b) * (a - b), a / b))
    return any_of(where), any_of(b < b)


def test_lanes_compute_what_numpy_does():
    rng = np.random.default_rng(0)
    one, other = rng.random((2, lanes.LANES), np.float32)
    out = np.zeros(lanes.LANES, np.float32)
    found = combine(one, other, out)
    expected = np.where((one < other) & (other >= 0.25), (one + other) * (one - other), one / other)
    np.testing.assert_allclose(out, expected, rtol=1e-6)
    assert found == (True, False)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads x86 assembly")
def test_lanes_are_vector_instructions():
    fresh = njit(combine.py_func)  # what comes from the cache has no assembly to show
    fresh(*np.ones((3, lanes.LANES), np.float32))
    assembly = "\n".join(fresh.inspect_asm().values())
    assert "mulps" in assembly
    assert "mulss" not in assembly
