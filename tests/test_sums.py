"""What compiled kernels may add up in float32: the values of a neighbourhood, never those of a whole picture."""

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bokehbench.renderers.diffusion.cpu.group_norm import find_moments

ROOT = Path(__file__).resolve().parents[1]
REDUCTIONS = {"sum", "mean", "std", "var", "cumsum", "average", "nansum", "nanmean", "dot", "trace", "prod"}
"""numba adds up in the array's own type, one after the other: 4 million float32 in [0,1] have a deviation of 2.5."""

SOURCES = [
    path
    for path in sorted(ROOT.rglob("*.py"))
    if "@compiled" in path.read_text(encoding="utf-8") and "tests" not in path.relative_to(ROOT).parts
]


def find_reductions(source: str) -> Iterator[str]:
    """Yield each call of one of REDUCTIONS in a compiled function, with its line, but those that say a type."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        if not any(ast.unparse(decorator).startswith("compiled") for decorator in function.decorator_list):
            continue
        for call in ast.walk(function):
            is_method = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
            if is_method and call.func.attr in REDUCTIONS and "dtype" not in [word.arg for word in call.keywords]:
                yield f"{call.lineno}: {ast.unparse(call)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_kernels_call_no_reduction_of_an_array(path):
    assert list(find_reductions(path.read_text(encoding="utf-8"))) == []


def test_what_is_looked_for_is_found():
    source = "@compiled(fastmath=True)\ndef f(x):\n    return x.mean() + np.sum(x, dtype=np.float64) + x.max()\n"
    assert list(find_reductions(source)) == ["3: x.mean()"]
    assert len(SOURCES) > 20


def test_moments_of_a_large_picture_keep_their_deviation():
    """Added up in float32, one after the other, their mean is off by 0.58 and their variance is -306."""
    picture = np.random.default_rng(0).normal(300.0, 1.0, (256, 512, 4)).astype(np.float32)
    moments = find_moments(picture, 1, 0.0, np.ones(4), np.zeros(4))
    assert moments[0][0] == pytest.approx(picture.mean(dtype=np.float64), rel=1e-6)
    assert 1.0 / moments[1][0] == pytest.approx(picture.std(dtype=np.float64), rel=1e-5)
