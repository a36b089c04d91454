"""Sixteen floats as one value against numpy, and that processors get vector instructions for them."""

import platform

import numpy as np
import pytest
from numba import njit

from bokehbench.core.compiled import compiled
from bokehbench.core.lanes import (
    LANES,
    add_doubles,
    any_of,
    exact,
    fill,
    first_of,
    floor,
    load,
    select,
    smallest,
    store,
    truncate,
)


@compiled
def combine(one, other, out):
    a, b = load(one, 0), load(other, 0)
    where = (a < b) & (fill(np.float32(0.25)) <= b)
    store(out, 0, select(where, (a + b) * (a - b), a / b))
    return any_of(where), any_of(b < b)


@compiled
def combine_exactly(one, other, out, sums):
    a, b = exact(load(one, 0)), exact(load(other, 0))
    whole = floor(a * exact(fill(np.float32(7))))
    store(out, 0, a * b + a * b - whole)
    add_doubles(sums, 0, a)
    later = (a < b) ^ (whole == floor(whole))
    return first_of(later, b)


def test_lanes_compute_what_numpy_does():
    rng = np.random.default_rng(0)
    one, other = rng.random((2, LANES), np.float32)
    out = np.zeros(LANES, np.float32)
    found = combine(one, other, out)
    expected = np.where((one < other) & (other >= 0.25), (one + other) * (one - other), one / other)
    np.testing.assert_allclose(out, expected, rtol=1e-6)
    assert found == (True, False)


def test_exact_lanes_give_the_bits_of_a_loop():
    rng = np.random.default_rng(1)
    one, other = rng.random((2, LANES), np.float32)
    out, sums = np.zeros(LANES, np.float32), np.ones(LANES)
    first = combine_exactly(one, other, out, sums)
    np.testing.assert_array_equal(out, one * other + one * other - np.floor(one * np.float32(7)))
    np.testing.assert_array_equal(sums, 1.0 + one.astype(np.float64))
    assert first == other[np.flatnonzero(one >= other)[0]]


@compiled
def count(numbers, whole):
    value = load(numbers, 0)
    store(whole, 0, load(whole, 0) + truncate(whole, value) - truncate(whole, fill(np.float32(2))))
    return smallest(value)


@pytest.mark.parametrize("width", [np.int32, np.int64])
def test_whole_lanes_drop_fractions_and_add_up(width):
    numbers = np.random.default_rng(0).uniform(-1e6, 1e6, LANES).astype(np.float32)
    whole = np.arange(LANES, dtype=width)
    least = count(numbers, whole)
    np.testing.assert_array_equal(whole, np.arange(LANES) + np.trunc(numbers).astype(width) - 2)
    assert least == numbers.min()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads x86 assembly")
def test_lanes_are_vector_instructions():
    fresh = njit(combine.py_func)  # what comes from the cache has no assembly to show
    fresh(*np.ones((3, LANES), np.float32))
    assembly = "\n".join(fresh.inspect_asm().values())
    assert "mulps" in assembly
    assert "mulss" not in assembly
