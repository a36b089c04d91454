"""A server of our own on the loopback interface stands in for the network; repositories come from the cache first."""

import contextlib
import hashlib
import http.server
import socket
import threading
import time
from pathlib import Path

import huggingface_hub
import pytest

from bokehbench.core import fetch
from bokehbench.core.errors import MissingDataError, MissingWeightsError
from bokehbench.core.fetch import DownloadError, Network

from ..hub_cache import lay_out

BODY = bytes(range(256)) * 2000
HASH = hashlib.sha256(BODY).hexdigest()[:8]
PATIENCE_S = 0.4
SLACK_S = 1.5


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        if self.path[1:].isdecimal():
            self.send_error(int(self.path[1:]))
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        with contextlib.suppress(OSError):  # the client may have gone
            getattr(self, f"send_{self.path[1:]}")()

    def send_whole(self):
        self.wfile.write(BODY)

    def send_half(self):
        self.wfile.write(BODY[: len(BODY) // 2])

    def send_stalled(self):
        self.wfile.write(BODY[:1000])
        self.wfile.flush()
        self.server.released.wait(20)

    def send_trickle(self):
        while not self.server.released.wait(0.02):
            self.wfile.write(b"x")
            self.wfile.flush()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.requests, server.released = [], threading.Event()
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


def fail_to_fetch(network, url, destination):
    """Return the reason and the seconds it took; nothing may be left behind."""
    started = time.monotonic()
    with pytest.raises(DownloadError) as caught:
        network.fetch_file(url, destination, HASH)
    seconds = time.monotonic() - started
    assert not destination.exists()
    assert not destination.parent.exists() or list(destination.parent.iterdir()) == []
    return str(caught.value), seconds


def test_a_file_arrives_whole_and_alone(server, tmp_path):
    destination = tmp_path / "new" / "folder" / "file.pth"
    Network().fetch_file(f"{server.url}/whole", destination, HASH)
    assert destination.read_bytes() == BODY
    assert list(destination.parent.iterdir()) == [destination]


def test_a_file_with_another_hash_is_refused(server, tmp_path):
    with pytest.raises(DownloadError, match=f"SHA-256 {HASH}"):
        Network().fetch_file(f"{server.url}/whole", tmp_path / "file.pth", "00000000")
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_ends_early_leaves_no_file(server, tmp_path):
    reason, _ = fail_to_fetch(Network(PATIENCE_S), f"{server.url}/half", tmp_path / "file.pth")
    half = len(BODY) // 2
    assert f"{half} bytes read, {half} more expected" in reason


@pytest.mark.parametrize("kind", ["stalled", "trickle"])
def test_a_stalled_transfer_ends_within_the_patience(server, tmp_path, kind):
    network = Network(PATIENCE_S)
    reason, seconds = fail_to_fetch(network, f"{server.url}/{kind}", tmp_path / "file.pth")
    assert reason == "no network: nothing came for 0.4 s"
    assert PATIENCE_S <= seconds < PATIENCE_S + SLACK_S
    assert_it_asks_no_more(network, server, tmp_path)


def test_a_name_that_does_not_resolve_ends_within_the_patience(server, tmp_path, monkeypatch):
    hanging = threading.Event()

    def resolve(*_, **__):
        hanging.wait(20)
        raise socket.gaierror("too late")

    network = Network(PATIENCE_S)
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve)
        reason, seconds = fail_to_fetch(network, "http://weights.example.invalid/f", tmp_path / "file.pth")
    hanging.set()
    assert reason == "no network: nothing came for 0.4 s"
    assert seconds < PATIENCE_S + SLACK_S
    assert_it_asks_no_more(network, server, tmp_path)


def test_a_refused_connection_is_a_dead_network_at_once(server, tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        network = Network()
        reason, seconds = fail_to_fetch(network, f"http://127.0.0.1:{port}/f", tmp_path / "file.pth")
    assert "refused" in reason
    assert seconds < SLACK_S
    assert_it_asks_no_more(network, server, tmp_path)


@pytest.mark.parametrize("status", [403, 404, 410, 429, 500, 503])
def test_an_http_error_says_nothing_about_the_network(server, tmp_path, status):
    network = Network()
    reason, _ = fail_to_fetch(network, f"{server.url}/{status}", tmp_path / "none" / "file.pth")
    assert reason.startswith(f"HTTP {status}: ")
    network.fetch_file(f"{server.url}/whole", tmp_path / "file.pth", HASH)


def test_a_place_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match=r"cannot write to .*taken"):
        Network().fetch_file(f"{server.url}/whole", tmp_path / "taken" / "file.pth", HASH)


def assert_it_asks_no_more(network, server, folder):
    """A working server is not even asked once the network counts as dead."""
    server.requests.clear()
    reason, seconds = fail_to_fetch(network, f"{server.url}/whole", folder / "file.pth")
    assert reason.startswith("no network")
    assert seconds < PATIENCE_S
    assert server.requests == []


def fill(cache: Path, *files: str) -> Path:
    """Lay a repository 'someone/model' into the cache."""
    snapshot = lay_out(cache, "someone/model")
    for name in files:
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).write_text("x")
    return snapshot


def test_cached_files_need_no_network(cache):
    snapshot = fill(cache, "small/a", "small/b")
    assert Network().fetch_repository("someone/model", ["small/*"], "get it", needed=["small/a"]) == snapshot


def test_no_network_is_one_line_at_once(cache):
    start = time.monotonic()
    with pytest.raises(MissingWeightsError) as caught:
        Network().fetch_repository("someone/model", ["*"], "get it", needed=["a"])
    assert time.monotonic() - start < 5
    assert str(caught.value).startswith(
        f"someone/model: it is not in the cache ({cache}) and cannot be fetched from the Hugging Face hub (no network: "
    )
    assert str(caught.value).endswith(": get it")
    assert "\n" not in str(caught.value)


def test_incomplete_cache_is_said(cache):
    fill(cache, "small/a")
    with pytest.raises(MissingWeightsError, match="the copy in the cache is incomplete"):
        Network().fetch_repository("someone/model", ["small/*"], "get it", needed=["small/a", "small/b"])


def test_offline_by_the_users_will(cache, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(MissingWeightsError, match="HF_HUB_OFFLINE is set"):
        Network().fetch_repository("someone/model", ["*"], "get it", needed=["a"])


def test_silent_network_is_left_after_the_patience(cache, monkeypatch):
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(MissingWeightsError, match="cannot be fetched"):
            Network(patience_s=0.3).fetch_repository("someone/model", ["*"], "get it", needed=["a"])
        assert time.monotonic() - start < 3


def test_hub_that_answers_with_an_error_is_reported(cache, monkeypatch):
    monkeypatch.setattr(fetch, "_ask", lambda *_: None)
    with pytest.raises(MissingWeightsError, match="someone/model: it is not in the cache"):
        Network().fetch_repository("someone/model", ["*"], "get it", needed=["a"])


def test_a_hub_out_of_reach_is_asked_once_and_closes_nothing_else(cache, monkeypatch, server):
    asked = []
    monkeypatch.setattr(fetch, "_ask", lambda address, _: asked.append(address) or "this is a test")
    network = Network()
    for _ in range(2):
        with pytest.raises(MissingWeightsError, match="no network: this is a test"):
            network.fetch_repository("someone/model", ["*"], "get it", needed=["a"])
    assert asked == ["http://127.0.0.1:9"]
    network.fetch_file(f"{server.url}/whole", cache / "file.pth", HASH)


def test_without_a_network_the_cache_serves_what_nobody_named(cache, monkeypatch):
    monkeypatch.setattr(fetch, "_ask", lambda *_: "this is a test")
    cached = lay_out(cache, "someone/model")
    cached.mkdir()
    (cached / "config.json").write_text("{}")
    assert Network().fetch_repository("someone/model", ["*"], "get it") == cached


def test_a_look_up_that_hangs_is_left_after_the_patience(cache, monkeypatch):
    hanging = threading.Event()

    def resolve(*_, **__):
        hanging.wait(20)
        raise socket.gaierror("too late")

    started = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve)
        patch.setattr(huggingface_hub.constants, "ENDPOINT", "http://hub.example.invalid")
        with pytest.raises(MissingWeightsError, match=r"no answer from http://hub.example.invalid for 0.4 s"):
            Network(PATIENCE_S).fetch_repository("someone/model", ["*"], "get it", needed=["a"])
    hanging.set()
    assert time.monotonic() - started < PATIENCE_S + SLACK_S


def test_the_network_is_left_alone_without_leave_to_download(cache, monkeypatch):
    monkeypatch.setattr(fetch, "_ask", lambda *_: pytest.fail("the network was asked"))
    with pytest.raises(MissingWeightsError, match="not asked for yet"):
        Network().fetch_repository("someone/model", ["*"], "get it", needed=["a"], download=False)


def test_a_data_set_is_asked_of_the_hub_with_its_time_out(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(fetch, "_ask", lambda *_: None)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_ETAG_TIMEOUT", 3)

    def snapshot(*names, **options):
        calls.append((names, options))
        if len(calls) > 1:
            raise OSError("the hub\nis tired.")
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    options = {"kind": "dataset", "folder": tmp_path, "missing": MissingDataError}
    assert Network().fetch_repository("someone/set", ["*"], "try again", **options) == tmp_path
    asked = {"repo_type": "dataset", "allow_patterns": ["*"], "local_dir": tmp_path, "etag_timeout": 3}
    assert calls == [(("someone/set",), asked)]
    with pytest.raises(MissingDataError) as caught:
        Network().fetch_repository("someone/set", ["*"], "try again", **options)
    line = "someone/set: cannot be fetched from the Hugging Face hub (the hub is tired): try again"
    assert str(caught.value) == line
