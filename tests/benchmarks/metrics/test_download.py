"""A server of our own on the loopback interface stands in for the network."""

import contextlib
import hashlib
import http.server
import socket
import threading
import time

import pytest

from bokehbench.benchmarks.metrics.download import Downloader, DownloadError

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


def fail_to_fetch(downloader, url, destination):
    """Return the reason and the seconds it took; nothing may be left behind."""
    started = time.monotonic()
    with pytest.raises(DownloadError) as caught:
        downloader.fetch(url, destination, HASH)
    seconds = time.monotonic() - started
    assert not destination.exists()
    assert not destination.parent.exists() or list(destination.parent.iterdir()) == []
    return str(caught.value), seconds


def test_a_file_arrives_whole_and_alone(server, tmp_path):
    destination = tmp_path / "new" / "folder" / "file.pth"
    Downloader().fetch(f"{server.url}/whole", destination, HASH)
    assert destination.read_bytes() == BODY
    assert list(destination.parent.iterdir()) == [destination]


def test_a_file_with_another_hash_is_refused(server, tmp_path):
    with pytest.raises(DownloadError, match=f"SHA-256 {HASH}"):
        Downloader().fetch(f"{server.url}/whole", tmp_path / "file.pth", "00000000")
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_ends_early_leaves_no_file(server, tmp_path):
    reason, _ = fail_to_fetch(Downloader(PATIENCE_S), f"{server.url}/half", tmp_path / "file.pth")
    assert f"{len(BODY) // 2} of {len(BODY)} bytes" in reason


@pytest.mark.parametrize("kind", ["stalled", "trickle"])
def test_a_stalled_transfer_ends_within_the_patience(server, tmp_path, kind):
    downloader = Downloader(PATIENCE_S)
    reason, seconds = fail_to_fetch(downloader, f"{server.url}/{kind}", tmp_path / "file.pth")
    assert reason == "no network: nothing came for 0.4 s"
    assert PATIENCE_S <= seconds < PATIENCE_S + SLACK_S
    assert_it_asks_no_more(downloader, server, tmp_path)


def test_a_name_that_does_not_resolve_ends_within_the_patience(server, tmp_path, monkeypatch):
    hanging = threading.Event()

    def resolve(*_, **__):
        hanging.wait(20)
        raise socket.gaierror("too late")

    downloader = Downloader(PATIENCE_S)
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve)
        reason, seconds = fail_to_fetch(downloader, "http://weights.example.invalid/f", tmp_path / "file.pth")
    hanging.set()
    assert reason == "no network: nothing came for 0.4 s"
    assert seconds < PATIENCE_S + SLACK_S
    assert_it_asks_no_more(downloader, server, tmp_path)


def test_a_refused_connection_is_a_dead_network_at_once(server, tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        downloader = Downloader()
        reason, seconds = fail_to_fetch(downloader, f"http://127.0.0.1:{port}/f", tmp_path / "file.pth")
    assert "refused" in reason
    assert seconds < SLACK_S
    assert_it_asks_no_more(downloader, server, tmp_path)


@pytest.mark.parametrize("status", [403, 404, 410, 429, 500, 503])
def test_an_http_error_says_nothing_about_the_network(server, tmp_path, status):
    downloader = Downloader()
    reason, _ = fail_to_fetch(downloader, f"{server.url}/{status}", tmp_path / "none" / "file.pth")
    assert reason.startswith(f"HTTP {status}: ")
    downloader.fetch(f"{server.url}/whole", tmp_path / "file.pth", HASH)


def test_a_place_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match=r"cannot write to .*taken"):
        Downloader().fetch(f"{server.url}/whole", tmp_path / "taken" / "file.pth", HASH)


def assert_it_asks_no_more(downloader, server, folder):
    """A working server is not even asked once the network counts as dead."""
    server.requests.clear()
    reason, seconds = fail_to_fetch(downloader, f"{server.url}/whole", folder / "file.pth")
    assert reason.startswith("no network")
    assert seconds < PATIENCE_S
    assert server.requests == []
