"""Who speaks: every process alone, and the first of several."""

import pytest

from bokehbench.benchmarks.run.launch import is_helper, is_shared


@pytest.mark.parametrize(
    ("rank", "count", "shared", "helper"),
    [
        (None, None, False, False),
        ("3", None, False, False),
        ("3", "1", False, False),
        ("0", "4", True, False),
        ("3", "4", True, True),
        (None, "4", True, False),
    ],
)
def test_helper_has_a_rank_among_several(monkeypatch, rank, count, shared, helper):
    for name, value in (("RANK", rank), ("WORLD_SIZE", count)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert (is_shared(), is_helper()) == (shared, helper)
