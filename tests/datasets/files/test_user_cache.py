from pathlib import Path

import pytest

from bokehbench.datasets.files.user_cache import CACHE_VARIABLE, cache_root


def test_the_environment_moves_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert cache_root() == tmp_path
    monkeypatch.delenv(CACHE_VARIABLE)
    assert "bokehbench" in str(cache_root())
