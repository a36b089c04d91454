"""Files of trained weights: what a row calls them, what their folder says of their training, what folders share.

Imports no torch: a name costs nothing to check.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from ..core.documents import read_mapping
from ..core.errors import InvalidOptionError, MissingWeightsError

RECORD_FILE = "training.json"
"""Optional, in a folder of weights: how they were trained. Its entry ``summary`` is a sentence for the report."""

SHARED_FILE = "shared.json"
"""In place of a part's sub-folder: names the folder beside this one that holds it, ``{"vae": "autoencoder"}``."""


LORA_FILE = "pytorch_lora_weights.safetensors"
"""diffusers' name for the LoRA in a folder."""


STATES, RESULT = f"checkpoints/step-{'[0-9]' * 8}.pt", "model"
"""What a training (``training.engine``) keeps in its output folder while it is not finished, and writes at its end."""


class WeightFiles(Protocol):
    """The files of one set of weights. ``folder``: where its record of training lies; None where there is none."""

    @property
    def name(self) -> str:
        """What a row calls them, before the hash."""

    @property
    def folder(self) -> Path | None:
        """The folder they were saved to."""

    @property
    def paths(self) -> list[Path]:
        """Every file that decides about the pictures."""


def name_folder(folder: Path) -> str:
    """Return what a row calls the weights of a folder: its name; of a training's result that of the training."""
    whole = folder.resolve()
    return whole.parent.name or whole.name if whole.name == RESULT else whole.name


def label_files(files: WeightFiles) -> str:
    """Return what a row says of weights: their name and eight digits of the SHA-256 over ``files.paths``."""
    return f"{files.name} {digest_of(files.paths)[:8]}"


def digest_of(paths: Iterable[Path]) -> str:
    """Return the SHA-256, in hexadecimal, over those of the files in their order."""
    return hashlib.sha256("".join(_sha256(path) for path in paths).encode()).hexdigest()


def training_summary(files: WeightFiles) -> str | None:
    """Return how weights were trained, as their folder states it; None where it does not.

    Raises InvalidOptionError for a record that is not JSON.
    """
    record = None if files.folder is None else files.folder / RECORD_FILE
    if record is None or not record.is_file():
        return None
    summary = read_object(record).get("summary")
    return summary if isinstance(summary, str) else None


def check_checkpoint(name: str, checkpoint: str) -> None:
    """Raise InvalidOptionError where no folder can be called ``checkpoint``: of an unknown ~user, too long."""
    try:
        Path(checkpoint).expanduser().is_dir()
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidOptionError(f"{name}: no such folder ({reason})") from error


@contextmanager
def naming_training(checkpoint: str | None) -> Iterator[None]:
    """Let an error about the weights in a folder say first whether a training still works at them."""
    try:
        yield
    except (InvalidOptionError, MissingWeightsError) as error:
        hint = say_where_training_is(checkpoint)
        if not hint:
            raise
        raise type(error)(f"{hint}; {error}") from error


def say_where_training_is(checkpoint: str | None) -> str:
    """Return a sentence for a folder without weights that is a training's output, or its result to be.

    How the training goes on where it is not finished, where its result lies where it is; empty for other folders.
    """
    if not checkpoint:
        return ""
    try:
        return _describe_output(Path(checkpoint).expanduser())
    except (OSError, RuntimeError, ValueError):  # no such user, a name that no file can have
        return ""


def _describe_output(folder: Path) -> str:
    if (folder / RESULT / RECORD_FILE).is_file():
        return f"{folder} is a training's output: its result lies in {folder / RESULT}"
    for output in (folder, folder.parent):
        states = sorted(output.glob(STATES))
        if states and not (output / RESULT).exists():
            step = int(states[-1].stem.rpartition("-")[2])
            return (
                f"{output} holds a training that is not finished, after step {step}: give its command again (python "
                f"-m bokehbench.training CONFIG.yaml, with 'output: {output}'), then use {output / RESULT}"
            )
    return ""


def find_part(folder: Path, part: str) -> Path:
    """Return where a part of saved weights lies: its own sub-folder ``part``, or the shared one that is named for it.

    Raises InvalidOptionError where ``shared.json`` names anything but a folder beside this one, MissingWeightsError
    where that is not there.
    """
    shared = folder / SHARED_FILE
    if not shared.is_file():
        return folder / part
    stated = read_object(shared)
    name = stated.get(part)
    if set(stated) != {part} or not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise InvalidOptionError(
            f'{shared}: expected {{"{part}": NAME}}, NAME a folder beside {folder.name}, got {stated}'
        )
    found = folder.resolve().parent / name
    if not (found / "config.json").is_file():
        raise MissingWeightsError(f"{found}: not there, and {shared} needs it: put the shared {name} there")
    return found


def read_index(path: Path) -> dict[str, Any]:
    """Return what ``model_index.json`` says: settings, and library and class of each part.

    Raises InvalidOptionError for an entry of another form, MissingWeightsError where there is no file.
    """
    index = read_object(path)
    if not isinstance(index.get("settings"), dict):
        raise InvalidOptionError(
            f"{path}: settings: expected an object, got {index.get('settings')!r:.60}: get it again"
        )
    for name, part in index.items():
        named = isinstance(part, list) and len(part) == 2 and all(isinstance(x, str | None) for x in part)
        if name != "settings" and not name.startswith("_") and not named:
            raise InvalidOptionError(f"{path}: {name}: expected [library, class], got {part!r:.60}: get it again")
    return index


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object, as ``core.documents`` reads it. Raises InvalidOptionError that names the file for another.

    Raises MissingWeightsError where it is no file.
    """
    try:
        return read_mapping(_regular(path), "JSON", InvalidOptionError)
    except InvalidOptionError as error:
        raise InvalidOptionError(f"{error}: get it again") from error


def _sha256(path: Path) -> str:
    """Hash a file. The hub's cache names large files by their SHA-256, which saves reading 10 GB."""
    name = _regular(path).resolve().name
    if path.is_symlink() and path.resolve().parent.name == "blobs" and re.fullmatch("[0-9a-f]{64}", name):
        return name
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise MissingWeightsError(f"{path}: cannot be read ({error.strerror}): get it again") from error


def _regular(path: Path) -> Path:
    """Return ``path``. Raises MissingWeightsError for anything but a file: to open a pipe would wait for ever."""
    if not path.is_file():
        got = "a folder" if path.is_dir() else "neither file nor folder" if os.path.lexists(path) else "nothing"
        raise MissingWeightsError(f"{path}: expected a file, found {got}: get the weights again")
    return path
