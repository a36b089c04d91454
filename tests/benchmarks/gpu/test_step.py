"""A check's verdict."""

import math

import pytest
import torch

from bokehbench.benchmarks.gpu.step import Check


@pytest.mark.parametrize(
    ("error", "status", "kept"),
    [
        (0.0, "ok", 0.0),
        (1e-4, "ok", 1e-4),
        (2e-4, "failed", 2e-4),
        (math.nan, "failed", None),
        (math.inf, "failed", None),
    ],
)
def test_verdict(error, status, kept):
    check = Check(name="x", reference="the truth", tolerance=1e-4, find_error=lambda device: error)
    outcome = check.run(torch.device("cpu"))
    assert outcome["status"] == status
    assert outcome["result"]["error"] == kept
    expected = f"error {error:.1e} against the truth: expected at most 1e-04"
    assert outcome["reason"] == (None if status == "ok" else expected)
