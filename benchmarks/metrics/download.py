"""Fetches a file over a network that may be dead, without hanging."""

import hashlib
import http.client
import os
import queue
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

from tqdm import tqdm

PATIENCE_S = 10.0
"""A network that brings less than ``LEAST_PROGRESS_BYTES`` in this time is dead: no name, no connection, no data."""

LEAST_PROGRESS_BYTES = 1 << 16
CHUNK_BYTES = 1 << 18
WAITING_CHUNKS = 64


class DownloadError(Exception):
    """A file that could not be fetched; the message is the reason in a few words."""


class Downloader:
    """Fetches files and remembers a dead network, so that a run waits for it once and not once per file."""

    def __init__(self, patience_s: float = PATIENCE_S):
        self._patience_s = patience_s
        self._dead_because: str | None = None

    def fetch(self, url: str, destination: Path, sha256_prefix: str) -> None:
        """Put the file behind ``url`` at ``destination``, complete and verified, or not at all.

        Two processes that fetch the same file at once both succeed. Raises DownloadError: with the first reason again,
        and at once, after the network was found dead.
        """
        if self._dead_because is not None:
            raise DownloadError(self._dead_because)
        try:
            destination.parent.mkdir(parents=True, exist_ok=True)
            self._fetch_through_partial(url, destination, sha256_prefix)
        except OSError as error:
            raise DownloadError(f"cannot write to {destination.parent}: {error.strerror or error}") from error

    def _fetch_through_partial(self, url: str, destination: Path, sha256_prefix: str) -> None:
        partial = destination.with_name(f"{destination.name}.{uuid.uuid4().hex}.partial")
        digest = hashlib.sha256()
        try:
            with partial.open("xb") as file:
                for chunk in self._chunks(url, destination.name):
                    file.write(chunk)
                    digest.update(chunk)
            if not digest.hexdigest().startswith(sha256_prefix):
                raise DownloadError(f"what came has the SHA-256 {digest.hexdigest()[:8]}..., not {sha256_prefix}...")
            os.replace(partial, destination)
        finally:
            partial.unlink(missing_ok=True)

    def _chunks(self, url: str, label: str) -> Iterator[bytes]:
        """Yield the body of ``url`` with a progress bar; end within the patience once nothing comes."""
        transfer = _Transfer(url, self._patience_s)
        started, moved, total, received = time.monotonic(), 0, None, 0
        bar = tqdm(desc=f"fetching {label}", unit="B", unit_scale=True, delay=1.0, leave=False)
        try:
            while True:
                item = transfer.next_item(started + self._patience_s - time.monotonic())
                if isinstance(item, int):
                    bar.total = total = item
                elif isinstance(item, bytes):
                    received, moved = received + len(item), moved + len(item)
                    bar.update(len(item))
                    yield item
                    if moved >= LEAST_PROGRESS_BYTES:
                        started, moved = time.monotonic(), 0
                elif item is None:
                    break
                else:
                    raise self._failure(item)
        finally:
            transfer.stop()
            bar.close()
        if total and received != total:
            raise DownloadError(f"the connection ended after {received} of {total} bytes")

    def _failure(self, error: Exception) -> DownloadError:
        if isinstance(error, HTTPError):  # an answer: whatever it says of this file, the network lives
            return DownloadError(f"HTTP {error.code}: {error.reason}")
        reason = str(getattr(error, "reason", "") or error)
        self._dead_because = f"no network: {reason}"
        return DownloadError(self._dead_because)


class _Transfer:
    """One request read by its own thread: resolving a name cannot be interrupted, but it can be left behind."""

    def __init__(self, url: str, timeout_s: float):
        self._url = url
        self._timeout_s = timeout_s
        self._items: queue.Queue[int | bytes | Exception | None] = queue.Queue(WAITING_CHUNKS)
        self._stopped = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def next_item(self, wait_s: float) -> int | bytes | Exception | None:
        """Return the length (first, 0 if unknown), then bytes, then None at the end; or the error that ended it."""
        try:
            return self._items.get(timeout=max(wait_s, 0.001))
        except queue.Empty:
            return TimeoutError(f"nothing came for {self._timeout_s:g} s")

    def stop(self) -> None:
        """Let the thread end as soon as it notices."""
        self._stopped.set()

    def _read(self) -> None:
        request = urllib.request.Request(self._url, headers={"User-Agent": "bokehbench"})  # noqa: S310 - our own URLs
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as response:  # noqa: S310
                self._offer(int(response.headers.get("Content-Length") or 0))
                while chunk := response.read1(CHUNK_BYTES):
                    if not self._offer(chunk):
                        return
            self._offer(None)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._offer(error)

    def _offer(self, item: int | bytes | Exception | None) -> bool:
        """Hand ``item`` over; return False once nobody takes it any more."""
        while not self._stopped.is_set():
            try:
                self._items.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False
