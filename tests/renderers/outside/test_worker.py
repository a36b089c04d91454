"""The worker's file runs in other Pythons: its syntax, its imports; and what it makes of errors."""

import ast
import sys

import pytest

from bokehbench.renderers.outside.adapter_info import FOLDER
from bokehbench.renderers.outside.process import LISTS_PACKAGES, PROTOCOL, WORKER
from bokehbench.renderers.outside.worker import PROTOCOL as THEIRS
from bokehbench.renderers.outside.worker import Session, describe, kind_of

FILES = [WORKER, LISTS_PACKAGES, *sorted(FOLDER.glob("[!_]*.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_files_are_python_3_7_and_import_little(path):
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))
    imported = {
        name
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert {name.partition(".")[0] for name in imported} <= {*sys.stdlib_module_names, "numpy"}


def test_both_sides_speak_one_protocol():
    assert PROTOCOL == THEIRS
    said = Session("adapter.py", ".").answer({"id": 7, "op": "hello", "protocol": 2})
    assert (said["id"], said["ok"], said["kind"]) == (7, False, "failed")
    assert "expected 1, got 2" in said["error"]


@pytest.mark.parametrize(
    ("error", "while_loading", "while_rendering"),
    [
        (MemoryError(), "memory", "memory"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
            "memory",
            "memory",
        ),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA"), "memory", "memory"),
        (ModuleNotFoundError("No module named 'timm'"), "missing", "failed"),
        (FileNotFoundError("small.pt"), "missing", "failed"),
        (NotImplementedError("at most 32 px"), "unsupported", "unsupported"),
        (SystemExit(2), "failed", "failed"),
    ],
)
def test_kinds_of_errors(error, while_loading, while_rendering):
    assert (kind_of(error, True, "a.py"), kind_of(error, False, "a.py")) == (while_loading, while_rendering)


def test_what_a_library_has_not_is_no_refusal():
    """PyTorch raises NotImplementedError for operations that a device has not; adapters, for what they refuse."""
    with pytest.raises(NotImplementedError) as raised:
        raise NotImplementedError("aten::x on CUDA")
    assert kind_of(raised.value, False, "adapter.py") == "failed"
    assert kind_of(raised.value, False, __file__) == "unsupported"


def test_an_error_is_described_in_300_characters():
    assert describe(ValueError("x" * 1000)) == "ValueError: " + "x" * 288
    assert describe(NotImplementedError("at most\n32 px")) == "at most 32 px"
