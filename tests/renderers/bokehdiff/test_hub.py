"""Downloads: the cache first, one line within seconds where there is no network."""

import socket
import time
from pathlib import Path

import pytest

from bokehbench.core.errors import MissingWeightsError
from bokehbench.renderers.bokehdiff import hub
from bokehbench.renderers.bokehdiff.models import sdxl
from bokehbench.renderers.registry import load_renderer


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache, and a hub at an address where nobody listens."""
    original = hub.snapshot_download
    monkeypatch.setattr(
        hub, "snapshot_download", lambda *names, **options: original(*names, cache_dir=tmp_path, **options)
    )
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", False)
    return tmp_path


def lay_out(cache: Path, repository: str) -> Path:
    """Make a snapshot's folder in the cache as huggingface_hub does."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    (folder / "snapshots").mkdir()
    return folder / "snapshots" / ("0" * 40)


def fill(cache: Path, *files: str) -> Path:
    """Lay a repository 'someone/model' into the cache."""
    snapshot = lay_out(cache, "someone/model")
    for name in files:
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).write_text("x")
    return snapshot


def test_cached_files_need_no_network(cache):
    snapshot = fill(cache, "small/a", "small/b")
    assert hub.fetch_repository("someone/model", ["small/*"], ["small/a"], "get it") == snapshot


def test_no_network_is_one_line_at_once(cache):
    start = time.monotonic()
    with pytest.raises(MissingWeightsError) as caught:
        hub.fetch_repository("someone/model", ["*"], ["a"], "get it")
    assert time.monotonic() - start < 5
    assert str(caught.value).startswith(
        f"someone/model: it is not in the cache ({cache}) and cannot be fetched (no network: "
    )
    assert str(caught.value).endswith(": get it")
    assert "\n" not in str(caught.value)


def test_incomplete_cache_is_said(cache):
    fill(cache, "small/a")
    with pytest.raises(MissingWeightsError, match="the copy in the cache is incomplete"):
        hub.fetch_repository("someone/model", ["small/*"], ["small/a", "small/b"], "get it")


def test_offline_by_the_users_will(cache, monkeypatch):
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(MissingWeightsError, match="HF_HUB_OFFLINE is set"):
        hub.fetch_repository("someone/model", ["*"], ["a"], "get it")


def test_silent_network_is_left_after_the_patience(cache, monkeypatch):
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(hub.constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr(hub, "PATIENCE_S", 0.3)
        start = time.monotonic()
        with pytest.raises(MissingWeightsError, match="cannot be fetched"):
            hub.fetch_repository("someone/model", ["*"], ["a"], "get it")
        assert time.monotonic() - start < 3


def test_hub_that_answers_with_an_error_is_reported(cache, monkeypatch):
    monkeypatch.setattr(hub, "_ask_hub", lambda: None)
    with pytest.raises(MissingWeightsError, match="someone/model: it is not in the cache"):
        hub.fetch_repository("someone/model", ["*"], ["a"], "get it")


@pytest.mark.parametrize("step", ["fetch", "prepare"])
def test_authors_checkpoint_says_what_to_fetch_and_where_to_put_it(cache, step):
    with pytest.raises(MissingWeightsError) as caught:
        getattr(load_renderer("bokehdiff@sdxl"), step)()
    message = str(caught.value)
    assert "\n" not in message
    for part in ("zcx65535/bokehdiff", "small/*", "SG161222/RealVisXL_V5.0", "--local-dir FOLDER", "bokehdiff@FOLDER"):
        assert part in message


def test_authors_checkpoint_from_the_cache_without_a_network(cache, authors_folder, sdxl_folder, monkeypatch):
    monkeypatch.setattr(sdxl.platformdirs, "user_cache_path", lambda name: cache / "own" / name)
    lay_out(cache, "SG161222/RealVisXL_V5.0").symlink_to(sdxl_folder)
    snapshot = lay_out(cache, "zcx65535/bokehdiff")
    snapshot.mkdir()
    (snapshot / "small").symlink_to(authors_folder / "small")
    renderer = load_renderer("bokehdiff@sdxl")
    planned = renderer.weights
    assert planned is not None
    renderer.prepare()
    assert renderer.weights == planned
    assert planned.startswith("sdxl ")
    kept = cache / "own" / "bokehbench" / "prompts" / f"SG161222--RealVisXL_V5.0-{'0' * 40}"
    assert {path.name for path in kept.iterdir()} == {"config.json", "diffusion_pytorch_model.safetensors"}
