"""Files from the network: by URL with ``pooch``, repositories with ``huggingface_hub``; a dead network is met once.

Both libraries have time-outs of their own, but neither ends while a name is being resolved or while a few bytes a
second trickle in: what asks the network therefore runs in a thread that can be left behind.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO, Literal

from .atomic_files import write_atomically
from .errors import DISK_FULL, BokehBenchError, CannotWriteError, MissingWeightsError
from .progress import ProgressBar

PATIENCE_S = 10.0
"""A network that brings less than ``CHUNK_BYTES`` in this time is dead: no name, no connection, no data."""

CHUNK_BYTES = 1 << 16


class DownloadError(Exception):
    """A file that could not be fetched; the message is the reason in a few words."""


class Network:
    """Fetches files, and remembers why the network was found dead, so that a run waits for it once.

    ``dead_because``: for files behind URLs; ``hub_dead_because``: for the hub, which a firewall may block alone.
    """

    def __init__(self, patience_s: float = PATIENCE_S):
        self.patience_s = patience_s
        self.dead_because: str | None = None
        self.hub_dead_because: str | None = None

    def fetch_file(self, url: str, destination: Path, sha256_prefix: str) -> None:
        """Put the file behind ``url`` at ``destination``, complete and verified, or not at all; with a progress bar.

        Two processes that fetch the same file at once both succeed. Raises DownloadError: with the first reason again,
        and at once, after the network was found dead; CannotWriteError where the disk is full.
        """
        if self.dead_because is not None:
            raise DownloadError(self.dead_because)

        def fill(file: BinaryIO) -> None:
            self._download(url, file, destination.name)
            _verify(Path(file.name), sha256_prefix)

        try:
            write_atomically(destination, fill)
        except CannotWriteError as error:
            if error.error.errno in DISK_FULL:
                raise
            raise DownloadError(f"cannot write to {destination.parent}: {error.error.strerror}") from error

    def fetch_repository(
        self,
        repository: str,
        patterns: Sequence[str],
        remedy: str,
        *,
        needed: Sequence[str] = (),
        kind: Literal["model", "dataset"] = "model",
        folder: Path | None = None,
        download: bool = True,
        missing: type[BokehBenchError] = MissingWeightsError,
    ) -> Path:
        """Return a folder with the files of a Hugging Face ``repository`` that match ``patterns``.

        They come into ``folder``, or into the hub's cache, where the folder's name is the revision. Files that are
        there are kept and a broken download is resumed. The network is not asked where the cache has all ``needed``
        files (paths in the repository), nor without ``download``. Raises ``missing`` with the reason and the ``remedy``
        where the files cannot be had.
        """
        from huggingface_hub import constants, snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

        options: dict[str, Any] = {"repo_type": kind, "allow_patterns": list(patterns)}
        problem = ""
        if needed:
            try:
                cached = Path(snapshot_download(repository, local_files_only=True, **options))
                if all((cached / path).is_file() for path in needed):
                    return cached
                problem = f"the copy in the cache is incomplete ({constants.HF_HUB_CACHE}) and "
            except LocalEntryNotFoundError:
                problem = f"it is not in the cache ({constants.HF_HUB_CACHE}) and "
        obstacle = self._find_obstacle() if download else "not asked for yet"
        if obstacle is not None and download and not needed and folder is None:
            with suppress(LocalEntryNotFoundError):  # whatever the cache has of it
                return Path(snapshot_download(repository, local_files_only=True, **options))
        if obstacle is None:
            options |= {"local_dir": folder, "etag_timeout": constants.HF_HUB_ETAG_TIMEOUT}
            try:
                return Path(snapshot_download(repository, **options))
            except (HfHubHTTPError, OSError, ValueError) as error:
                if isinstance(error, OSError) and error.errno in DISK_FULL:
                    raise CannotWriteError(folder or constants.HF_HUB_CACHE, error, "HF_HOME") from error
                obstacle = " ".join(str(error).split()).rstrip(".")
        raise missing(f"{repository}: {problem}cannot be fetched from the Hugging Face hub ({obstacle}): {remedy}")

    def _download(self, url: str, file: BinaryIO, label: str) -> None:
        import pooch
        import requests

        bar = _Bar(desc=f"fetching {label}", unit="B", unit_scale=True, delay=1.0, leave=False)
        # The time-out only ends a thread that was left behind: the loop below gives up earlier.
        download = pooch.HTTPDownloader(progressbar=bar, chunk_size=CHUNK_BYTES, timeout=2 * self.patience_s)
        transfer = _start(lambda: download(url, file, None))
        try:
            received = bar.n
            while not _ends_within(self.patience_s, transfer):
                if bar.n == received:
                    raise self._found_dead(f"nothing came for {self.patience_s:g} s")
                received = bar.n
            transfer.result()
        except requests.HTTPError as error:  # an answer: whatever it says of this file, the network lives
            answer = error.response
            reason = str(error) if answer is None else f"HTTP {answer.status_code}: {answer.reason}"
            raise DownloadError(reason) from error
        except (requests.ConnectionError, requests.Timeout) as error:
            raise self._found_dead(_root_cause(error)) from error
        except requests.RequestException as error:
            raise DownloadError(f"the transfer broke off: {_root_cause(error)}") from error
        finally:
            bar.close()

    def _find_obstacle(self) -> str | None:
        """Return why the hub cannot be asked, None where it answers within the patience."""
        from huggingface_hub import constants

        if constants.HF_HUB_OFFLINE:
            return "HF_HUB_OFFLINE is set"
        if self.hub_dead_because is None:
            probe = _start(lambda: _ask(constants.ENDPOINT, self.patience_s))
            if not _ends_within(self.patience_s, probe):
                self.hub_dead_because = f"no network: no answer from {constants.ENDPOINT} for {self.patience_s:g} s"
            elif reason := probe.result():
                self.hub_dead_because = f"no network: {reason}"
        return self.hub_dead_because

    def _found_dead(self, reason: str) -> DownloadError:
        self.dead_because = f"no network: {reason}"
        return DownloadError(self.dead_because)


NETWORK = Network()
"""The one of this process."""


class _Bar(ProgressBar):
    """A progress bar that is true before it knows its total: pooch asks."""

    def __bool__(self) -> bool:
        return True


def _ask(address: str, timeout_s: float) -> str | None:
    """Return why there is no answer from ``address``, None where there is one, of whatever kind."""
    import requests

    try:
        requests.head(address, timeout=timeout_s)
    except (requests.RequestException, ValueError) as error:
        return _root_cause(error)
    return None


def _verify(path: Path, sha256_prefix: str) -> None:
    import pooch

    digest = pooch.file_hash(os.fspath(path))
    if not digest.startswith(sha256_prefix):
        raise DownloadError(f"what came has the SHA-256 {digest[:8]}..., not {sha256_prefix}...")


def _start(work: Callable[[], Any]) -> Future[Any]:
    """Do ``work`` in a thread that does not keep the process from ending, as those of an executor do."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 - the future raises it where it is asked
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def _ends_within(seconds: float, future: Future[Any]) -> bool:
    return bool(wait([future], timeout=seconds).done)


def _root_cause(error: BaseException) -> str:
    """Return what began a chain of errors: requests wraps urllib3's, which wrap the system's."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return str(error) or type(error).__name__
