"""Triton's kernels compile to machine code for cards that are not here."""

import importlib.util

import pytest

from bokehbench.benchmarks.gpu.ahead import CAPABILITIES, compile_apart
from bokehbench.core.errors import InvalidOutputError

WITH_TRITON = importlib.util.find_spec("triton") is not None


@pytest.mark.skipif(not WITH_TRITON, reason="needs Triton, which comes with PyTorch's CUDA builds")
@pytest.mark.parametrize("capability", CAPABILITIES)
def test_kernels_compile(capability):
    sizes = compile_apart(capability)
    assert set(sizes) == {"_add_spans", "_add_pixels"}
    assert min(sizes.values()) > 1000


@pytest.mark.skipif(WITH_TRITON, reason="needs an installation without Triton")
def test_a_compiler_that_fails_is_named():
    with pytest.raises(
        InvalidOutputError, match="do not compile for sm_80: ModuleNotFoundError: No module named 'triton'"
    ):
        compile_apart(80)
