"""PISA in blocks against all pairs at once, as a GPU is asked."""

import pytest
import torch

from bokehbench.benchmarks.gpu import attention

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", attention.PHYSICS)
def test_pisa_agrees_with_its_reference(name):
    errors = attention.compare_pisa(CPU, attention.PHYSICS[name], grid=(5, 8))
    assert set(errors) == {"output", "gradient of q", "gradient of k", "gradient of v"}
    assert max(errors.values()) < attention.TOLERANCE


def test_an_error_is_seen(monkeypatch):
    right = attention.pisa_fast
    monkeypatch.setattr(attention, "pisa_fast", lambda q, k, v, plan: right(1.01 * q, k, v, plan))
    assert attention.compare_pisa(CPU, grid=(5, 8))["output"] > attention.TOLERANCE


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_pisa_agrees_with_its_reference_on_the_gpu():
    assert max(attention.compare_pisa(torch.device("cuda")).values()) < attention.TOLERANCE
