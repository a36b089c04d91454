"""A repository on disk: its Python, its commit, its weights, and digests of all that decides about its pictures."""

import functools
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub.constants import HF_HUB_CACHE

from ...core.errors import InvalidOptionError, MissingWeightsError
from ...core.programs import ask_program
from ...core.text import one_line
from .adapter_info import PYTHONS, AdapterInfo, Variant
from .process import WORKER, list_packages

GIT_S = 20.0
CODE = re.compile(r".*\.(py|pyx|so|c|cc|cpp|cu|cuh|h|hpp|cfg|ini|json|toml|ya?ml)")
"""Names of files in a repository that may decide about its pictures, beside its weights.

Of .json in a clone those that git tracks there or in submodules: others are results, or lists of a data set.
"""


@dataclass(frozen=True, kw_only=True)
class Clone:
    """A repository's ``folder`` and the files in it that hold weights."""

    name: str
    folder: Path
    paths: list[Path]


def find_clone(name: str, folder: Path, info: AdapterInfo, variant: Variant) -> Clone:
    """Find a repository's weights.

    Raises InvalidOptionError where there is no such folder, MissingWeightsError that says which file to get from where.
    """
    if not folder.is_dir():
        raise InvalidOptionError(f"{folder}: no such folder: git clone {info.repository} {folder}")
    for file, source in variant.weights.items():
        if not (folder / file).is_file():
            raise MissingWeightsError(f"{folder / file}: not there: get it from {source}")
    for repository in variant.hub:
        if hub_revision(repository) is None:
            raise MissingWeightsError(
                f"{repository}: not in the Hugging Face cache {HF_HUB_CACHE}: hf download {repository}"
            )
    commit = find_commit(folder)
    label = f"{name} {commit[:8]}" if commit else name
    return Clone(name=label, folder=folder, paths=[folder / file for file in variant.weights])


def find_python(folder: Path) -> Path:
    """Return a repository's Python, the first of PYTHONS. Raises MissingWeightsError that says what is expected."""
    named, *environments = (folder / place for place in PYTHONS)
    if named.is_file():
        text = named.read_text(encoding="utf-8", errors="replace").strip()
        python = folder / os.path.expanduser(text)  # an absolute path stands for itself
        if os.path.isfile(python) and os.access(python, os.X_OK):
            return python
        raise MissingWeightsError(f"{named}: expected one line, the path of a Python, got '{one_line(text, 200)}'")
    for python in environments:
        if os.access(python, os.X_OK):
            return python
    raise MissingWeightsError(
        f"{folder}: no Python for it: expected a path to one in {PYTHONS[0]}, or a virtual environment there:"
        f" {', '.join(PYTHONS[1:])}"
    )


@functools.cache
def find_commit(folder: Path) -> str:
    """Return the commit of a clone; empty where it is none, or git is not here."""
    if not (folder / ".git").exists():
        return ""
    return (ask_program(["git", "-C", folder, "rev-parse", "HEAD"], GIT_S) or "").strip()


def hub_revision(repository: str) -> str | None:
    """Return the commit of a hub's repository that its cache names as main; None where it is not there."""
    path = Path(HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}" / "refs" / "main"
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def hash_clone(folder: Path, adapter: Path, variant: Variant) -> dict[str, str]:
    """Return what decides about a repository's pictures beside its weights: digests and versions, by name.

    Twelve hexadecimal digits of the SHA-256 of its files that CODE names, of its adapter and of the worker; versions of
    its Python and of the packages there; commits of models in the hub's cache. Hidden folders and virtual environments
    do not count.
    """
    files = {f"repository: {path.relative_to(folder)}": path for path in _sources(folder)}
    files |= {"adapter": adapter, "worker": WORKER}
    digests = {name: _digest(path) for name, path in sorted(files.items())}
    versions = {f"package: {name}": version for name, version in _list_packages(folder).items()}
    return digests | versions | {f"hub: {name}": (hub_revision(name) or "absent")[:12] for name in variant.hub}


@functools.cache
def _list_packages(folder: Path) -> dict[str, str]:
    try:
        return list_packages(find_python(folder))
    except MissingWeightsError:  # whoever starts it says more
        return {}


def _sources(folder: Path) -> Iterator[Path]:
    tracked = _tracked_json(folder)
    for place, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".") and not Path(place, f, "pyvenv.cfg").exists()]
        paths = (Path(place, file) for file in files if CODE.fullmatch(file))
        yield from (path for path in paths if path.suffix != ".json" or tracked is None or path in tracked)


def _tracked_json(folder: Path) -> set[Path] | None:
    """Return the .json files that git tracks in a clone; None where it is none, or git is not here."""
    if not (folder / ".git").exists():
        return None
    listed = ask_program(["git", "-C", folder, "ls-files", "--recurse-submodules", "-z", "--", "*.json"], GIT_S)
    return None if listed is None else {folder / name for name in listed.split("\0") if name}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else "no file"
    except OSError:  # whoever imports it says more
        return "unreadable"
