"""A short name for the content of many files, so that results of replaced files are never reused."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

WHOLE_BYTES = 1 << 17
BLOCKS = 16
BLOCK_BYTES = 1 << 12


def fingerprint(root: Path, paths: Iterable[Path], settings: str = "") -> str:
    """Return twelve hexadecimal digits over files' names below ``root``, sizes and content, and over ``settings``.

    Files up to 128 KiB are read whole, larger ones in sixteen blocks spread evenly: a compressed picture differs in
    almost every byte after a change, and reading tens of gigabytes before every run would cost minutes. Absent files
    count as absent, unreadable ones as empty: loading them says more. The same files give the same digits on another
    machine.
    """
    digest = hashlib.sha256(settings.encode())
    for path in tqdm(sorted(set(paths)), desc="reading the data set's index", unit="file", delay=1.0, leave=False):
        size = path.stat().st_size if path.is_file() else -1
        digest.update(f"\0{path.relative_to(root).as_posix()}\0{size}\0".encode("utf-8", "surrogateescape"))
        if size >= 0:
            _update(digest, path, size)
    return digest.hexdigest()[:12]


def _update(digest: "hashlib._Hash", path: Path, size: int) -> None:
    with suppress(OSError), path.open("rb") as file:
        if size <= WHOLE_BYTES:
            digest.update(file.read())
            return
        for block in range(BLOCKS):
            file.seek(block * (size - BLOCK_BYTES) // (BLOCKS - 1))
            digest.update(file.read(BLOCK_BYTES))
