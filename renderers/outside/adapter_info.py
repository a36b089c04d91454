"""What adapters say of themselves: INFO, a literal, read without running them. Imports nothing heavy."""

import ast
import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...core.errors import InvalidOptionError
from ...core.registry import Entry
from ...core.settings import read_settings

FOLDER = Path(__file__).with_name("adapters")
OWN_ADAPTER = "bokehbench_adapter.py"
"""In a repository: the adapter that ``outside@FOLDER`` uses."""

OUTSIDE = "outside"
TARGET = ".renderers.outside.renderer:OutsideRenderer"
PYTHONS = (".bokehbench-python", ".venv/bin/python", "venv/bin/python")
"""In a repository: a file whose one line is a path to its Python, or its virtual environment."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One renderer of a repository: its line for ``--list``, its weights, and what ``load`` gets as ``options``.

    ``weights``: file within the folder, and where it comes from; ``hub``: repositories that have to lie in the hub's
    cache; ``inputs``: those of the variant, where they differ from the adapter's.
    """

    summary: str
    weights: Mapping[str, str] = field(default_factory=dict)
    hub: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class AdapterInfo:
    """An adapter's INFO.

    ``commit``: of the repository that the adapter was written for; ``install``: what its Python needs; ``inputs``:
    words of ``core.scene.INPUT_FIELDS``; ``probes``: what becomes of a render of the test card that is not what a lens
    would make: an error, or, where the method is known to alter pictures, a warning; ``differs``: from the paper or the
    authors' script, for the report.
    """

    title: str
    variants: Mapping[str, Variant]
    inputs: tuple[str, ...]
    repository: str = ""
    commit: str = ""
    licence: str = ""
    install: str = ""
    devices: tuple[Literal["cpu", "cuda"], ...] = ("cpu", "cuda")
    deterministic: bool = True
    probes: Literal["raise", "warn"] = "raise"
    differs: str = ""


@functools.cache
def read_info(path: Path) -> AdapterInfo:
    """Read INFO of an adapter's file. Raises InvalidOptionError where there is none, or not what is expected."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidOptionError(f"{path}: expected an adapter as in CONTRIBUTING.md: {reason}") from error
    info = read_settings(AdapterInfo, _literal(path, tree), f"{path}: INFO.")
    if not info.variants:
        raise InvalidOptionError(f"{path}: INFO.variants: expected at least one")
    return info


def _literal(path: Path, tree: ast.Module) -> Any:
    for node in tree.body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", None) for target in node.targets] == ["INFO"]:
            try:
                return ast.literal_eval(node.value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
                raise InvalidOptionError(
                    f"{path}, line {node.lineno}: INFO: expected names and values written out, without names of "
                    "variables, calls or comprehensions: it is read without running the file"
                ) from error
    raise InvalidOptionError(f"{path}: expected an adapter, which has a constant INFO")


@functools.cache
def outside_entries() -> dict[str, Entry]:
    """Return the registry's entries of all adapters; each needs ``@FOLDER``."""
    entries = {OUTSIDE: Entry(TARGET, f"any repository with a {OWN_ADAPTER}", {"adapter": OUTSIDE})}
    for path in sorted(FOLDER.glob("[!_]*.py")):
        for name, variant in read_info(path).variants.items():
            entries[name] = Entry(TARGET, variant.summary, {"adapter": path.stem, "variant": name})
    return entries


def find_entry(base: str, folder: str = "") -> Entry | None:
    """Return the entry of a name without its ``@FOLDER``; ``NAME-fX`` is NAME at f/X for every scene.

    Names are those of the adapters here, and of the variants of the folder's own adapter, where it has one.
    """
    entry = _find_variant(base, folder)
    named = None if entry else re.fullmatch(r"(.+)-f(\d{1,3}(?:\.\d{1,3})?)", base)
    fixed = _find_variant(named[1], folder) if named else None
    if named is None or fixed is None:
        return entry
    f_number = float(named[2])
    if f_number == 0.0 or "f-number" not in inputs_of(folder=folder, **fixed.options):
        return None
    return Entry(fixed.target, f"{fixed.summary}, at f/{f_number:g}", {**fixed.options, "f_number": f_number})


def _find_variant(name: str, folder: str) -> Entry | None:
    entries = outside_entries()
    return entries[name] if name in entries else own_entries(folder).get(name)


def own_entries(folder: str) -> dict[str, Entry]:
    """Return the entries of a folder's own adapter; none where it has none.

    Raises InvalidOptionError for a file that is no adapter.
    """
    path = find_adapter(OUTSIDE, folder)
    if not (folder and os.path.isfile(path)):
        return {}
    variants = read_info(path).variants.items()
    return {name: Entry(TARGET, variant.summary, {"adapter": OUTSIDE, "variant": name}) for name, variant in variants}


def find_adapter(adapter: str, folder: str | Path) -> Path:
    """Return where an adapter lies: here, or, of the name OUTSIDE, in the repository's folder."""
    return Path(os.path.expanduser(folder)) / OWN_ADAPTER if adapter == OUTSIDE else FOLDER / f"{adapter}.py"


def inputs_of(adapter: str, variant: str | None = None, folder: str = "") -> tuple[str, ...]:
    """Return what a variant, or an adapter's first one, reads of a scene; nothing where the adapter is not there."""
    path = find_adapter(adapter, folder)
    if not os.path.isfile(path):
        return ()
    info = read_info(path)
    return info.variants[variant or next(iter(info.variants))].inputs or info.inputs


def say_how_to_get(base: str) -> str:
    """Say in one line which repository to clone, which weights to put where, and what to install."""
    options = find_entry(base)
    if options is None or options.options["adapter"] == OUTSIDE:
        return f"'{base}': name a repository that has a {OWN_ADAPTER}: {base}@FOLDER"
    info = read_info(FOLDER / f"{options.options['adapter']}.py")
    variant = info.variants[options.options["variant"]]
    files = [f"FOLDER/{file} ({source})" for file, source in variant.weights.items()]
    hub = [f"{name} in the Hugging Face cache" for name in variant.hub]
    return (
        f"'{base}': git clone {info.repository} FOLDER, have {' and '.join(files + hub)}, make FOLDER/.venv with "
        f"{info.install}, then use {base}@FOLDER"
    )
