import sys
from types import SimpleNamespace

import pytest

from bokehbench.core.errors import MissingDataError
from bokehbench.datasets.pathtraced.tracing import load_mitsuba


def no_llvm(variant):
    raise ImportError("the LLVM backend is inactive")


@pytest.mark.parametrize(
    ("set_variant", "version", "says"),
    [(lambda variant: None, (15, 0, 6), "finds LLVM 15.0.6: it needs 19"), (no_llvm, (0, 0, 0), "finds no LLVM")],
)
def test_an_llvm_that_ends_the_process_is_refused_before(monkeypatch, set_variant, version, says):
    monkeypatch.setitem(sys.modules, "mitsuba", SimpleNamespace(set_variant=set_variant))
    monkeypatch.setitem(sys.modules, "drjit", SimpleNamespace(detail=SimpleNamespace(llvm_version=lambda: version)))
    with pytest.raises(MissingDataError, match=says):
        load_mitsuba()
