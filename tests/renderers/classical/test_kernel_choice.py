"""The scatter is chosen by capability, recorded, and never used unproved."""

import sys
from types import ModuleType

import pytest
import torch

from bokehbench.renderers.classical import kernel_choice
from bokehbench.renderers.classical.device.offsets import scatter_on_device
from bokehbench.renderers.classical.kernel_choice import OFFSETS, SPANS, choose_kernel, prove
from bokehbench.renderers.registry import load_renderer

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def triton_spans(monkeypatch):
    """Stands in for the module of Triton's kernel; on a CPU, ``prove`` runs there."""

    def install(scatter):
        module = ModuleType("bokehbench.renderers.classical.device.triton_spans")
        module.scatter_triton = scatter
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(kernel_choice.importlib.util, "find_spec", lambda name: object())
        monkeypatch.setattr(kernel_choice, "prove", lambda scatter, device: prove(scatter, CPU))

    return install


def test_renderer_records_its_kernel():
    renderer = load_renderer("classical")
    assert renderer.backend is None
    renderer.prepare()
    assert renderer.backend == SPANS.name


def test_without_triton_pytorch_scatters(monkeypatch):
    monkeypatch.setattr(kernel_choice.importlib.util, "find_spec", lambda name: None)
    assert choose_kernel(CUDA) is OFFSETS
    assert choose_kernel(CPU) is SPANS


def test_proved_kernel_is_used(triton_spans):
    triton_spans(scatter_on_device)
    assert choose_kernel(CUDA).name == "spans, Triton"


def _fails(linear, radius_px):
    raise RuntimeError("no\ncompiler")


@pytest.mark.parametrize(
    ("scatter", "reason"),
    [
        (lambda linear, radius_px: scatter_on_device(linear, radius_px) + 0.01, "differs from PyTorch's by 1.0e-02"),
        (lambda linear, radius_px: linear * float("nan"), "differs from PyTorch's by nan"),
        (_fails, "no compiler"),
    ],
    ids=["wrong", "nan", "broken"],
)
def test_kernel_that_fails_is_not_used_and_the_log_says_why(triton_spans, caplog, scatter, reason):
    triton_spans(scatter)
    assert choose_kernel(CUDA) is OFFSETS
    assert [reason in record.getMessage() for record in caplog.records] == [True]
