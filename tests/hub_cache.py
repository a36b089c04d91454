"""An empty cache of the Hugging Face hub, and snapshots laid out in it."""

from pathlib import Path

import huggingface_hub
import pytest

from bokehbench.core.fetch import NETWORK


@pytest.fixture(name="cache")
def empty_hub_cache(monkeypatch, tmp_path):
    """An empty cache, and a hub at an address where nobody listens."""
    original = huggingface_hub.snapshot_download
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda *names, **options: original(*names, cache_dir=tmp_path, **options)
    )
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(NETWORK, "hub_dead_because", None)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path


def lay_out(cache: Path, repository: str) -> Path:
    """Make a snapshot's folder in the cache as huggingface_hub does."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    (folder / "snapshots").mkdir()
    return folder / "snapshots" / ("0" * 40)
