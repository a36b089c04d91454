"""Fetches repositories from the Hugging Face hub, on command only."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ..core.errors import MissingDataError


def fetch_snapshot(
    repository: str, kind: Literal["model", "dataset"], patterns: Sequence[str], folder: Path | None = None
) -> Path:
    """Fetch the files of ``repository`` that match ``patterns`` into ``folder``, or into the hub's cache.

    What is there already is not fetched again, and a broken download goes on where it stopped. Returns the folder; in
    the cache its name is the revision. Raises MissingDataError where the hub or the repository cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(repository, repo_type=kind, allow_patterns=list(patterns), local_dir=folder))
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise MissingDataError(
            f"{repository}: cannot be fetched from the Hugging Face hub: {reason}: give the command again to go on"
        ) from error
