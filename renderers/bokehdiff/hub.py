"""Files of a Hugging Face repository: from the local cache, else fetched, else said in one line within seconds."""

import http.client
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from ...core.errors import MissingWeightsError

PATIENCE_S = 10.0
"""A hub that has not answered after this time is out of reach: a dead network must not hang."""


def fetch_repository(
    repository: str, patterns: Sequence[str], needed: Sequence[str], remedy: str, *, download: bool = True
) -> Path:
    """Return a folder with the files of ``repository`` that match ``patterns``.

    The network is asked only where one of the ``needed`` files (paths in the repository) is not in the cache, and
    ``download`` allows it. Raises MissingWeightsError with the reason and the ``remedy`` where they cannot be had.
    """
    try:
        folder = Path(snapshot_download(repository, allow_patterns=list(patterns), local_files_only=True))
        if all((folder / path).is_file() for path in needed):
            return folder
        reason = "the copy in the cache is incomplete"
    except LocalEntryNotFoundError:
        reason = "it is not in the cache"
    obstacle = _find_obstacle(download)
    if obstacle is None:
        try:
            return Path(snapshot_download(repository, allow_patterns=list(patterns)))
        except (OSError, HfHubHTTPError) as error:
            obstacle = str(error).strip().splitlines()[0]
    place = constants.HF_HUB_CACHE
    raise MissingWeightsError(f"{repository}: {reason} ({place}) and cannot be fetched ({obstacle}): {remedy}")


def _find_obstacle(download: bool) -> str | None:
    if not download:
        return "not asked for yet"
    return "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else _probe_hub()


def _probe_hub() -> str | None:
    """Return why the hub cannot be reached, None where it answers. A name's look-up can only be left."""
    answers: queue.Queue[str | None] = queue.Queue(1)
    threading.Thread(target=lambda: answers.put(_ask_hub()), daemon=True).start()
    try:
        return answers.get(timeout=PATIENCE_S)
    except queue.Empty:
        return f"no answer from {constants.ENDPOINT} for {PATIENCE_S:g} s"


def _ask_hub() -> str | None:
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")  # noqa: S310 - the hub's own address
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S):  # noqa: S310
            return None
    except urllib.error.HTTPError:
        return None  # an answer, of whatever kind
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"no network: {getattr(error, 'reason', error)}"
