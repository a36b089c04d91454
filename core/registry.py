"""One registry for every kind of plug-in: names map to ``"module:attribute"`` targets that are imported when asked for.

Listing names imports nothing, so that ``--help`` and ``--list`` stay instant. Other people's packages add names through
entry points; a name of ours cannot be replaced by theirs.
"""

import functools
import hashlib
import importlib
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points, files
from pathlib import Path
from typing import Any

from .docstrings import first_line_of_docstring
from .errors import BokehBenchError, PluginError, UnknownNameError
from .light_install import explain_missing
from .sources import SUFFIXES, hash_sources
from .streams import keeping_streams
from .text import one_line, unknown_name
from .working_folder import keeping_folder

LISTED_BY = "run_bench.py --list"
"""The command that names what registries hold."""

IMPORTER = importlib.__file__
"""Named by no error: what it imports is."""


@dataclass(frozen=True)
class Entry:
    """What a registry knows about a name before importing it.

    ``target`` is ``"module:attribute"`` (a leading dot means inside ``bokehbench``), ``summary`` one line for
    ``--list``, ``options`` keyword arguments bound to the name: a variant is a configuration, not a class.
    ``distribution``: the installed package that it comes from, None for ours. ``slow``: how slow it is, where that
    surprises; empty elsewhere.
    """

    target: str
    summary: str
    options: Mapping[str, Any] = field(default_factory=dict)
    distribution: str | None = None
    slow: str = ""

    @property
    def meaning(self) -> str:
        """What it is, in a line: of another package's, the first line of its docstring, which is read and not run."""
        if self.distribution is not None and (first := first_line_of_docstring(*self.target.split(":", 1))):
            return f"{first} ({self.summary})"
        return self.summary

    @property
    def description(self) -> str:
        """What it is, in a line, and how slow."""
        return f"{self.meaning} [slow: {self.slow}]" if self.slow else self.meaning

    def load(self) -> Any:
        """Import the target. Raises PluginError, with the place, in place of whatever its import raises."""
        with self._explained():
            return getattr(importlib.import_module(self._module), self.target.partition(":")[2])

    def create(self, **options: Any) -> Any:
        """Import the target and call it with the entry's options and ``options``. Raises PluginError as ``load`` does.

        Errors of ours pass.
        """
        target = self.load()
        with self._explained():
            return target(**{**self.options, **options})

    def hash_code(self, plugin: object) -> dict[str, str]:
        """Return what decides about the results of ``plugin``, made from this entry: its code, by module, as hashes.

        These are the modules of the target and of the plug-in's classes, and all that they import: see ``sources``.
        Options of the entry count, too, and what an entry point names: one module may hold several plug-ins.
        """
        derived = [kind.__module__ for kind in type(plugin).__mro__ if _is_derived(kind)]
        packages = _packages_of(self.distribution)
        hashes: dict[str, str] = {}
        for name in dict.fromkeys([self._module, type(plugin).__module__, *derived]):
            file = getattr(sys.modules.get(name), "__file__", None)
            hashes |= hash_sources(name, file and Path(file), packages)
        if self.options:
            hashes["options"] = _hash(repr(sorted(self.options.items())))
        if self.distribution is not None:
            hashes["entry point"] = _hash(self.target)
        return hashes

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            with keeping_folder(), keeping_streams():
                yield
        except BokehBenchError:
            raise
        except ModuleNotFoundError as error:
            raise explain_missing(error) or self._explain(error) from error
        except (Exception, SystemExit) as error:  # research code that reads the command line ends the program
            raise self._explain(error) from error

    def _explain(self, error: BaseException) -> PluginError:
        frames = traceback.extract_tb(error.__traceback__)
        places = [f for f in frames if not f.filename.startswith("<") and f.filename not in (__file__, IMPORTER)]
        where = f" ({places[-1].filename}, line {places[-1].lineno})" if places else ""
        reason = one_line(f"{type(error).__name__}: {error}")
        return PluginError(f"{self.target}: cannot be loaded: {reason}{where}")

    @property
    def _module(self) -> str:
        module = self.target.partition(":")[0]
        return f"bokehbench{module}" if module.startswith(".") else module


class LazyRegistry:
    """Names of one kind (``"renderer"``, ``"data set"``, ``"metric"``) and their lazy targets.

    ``group`` is the entry-point group that other packages use to add theirs, for instance in their pyproject.toml:
    ``[project.entry-points."bokehbench.renderers"]`` with ``mine = "my_package.module:MyRenderer"``.
    """

    def __init__(self, kind: str, group: str, entries: Mapping[str, Entry]):
        self.kind = kind
        self.group = group
        self._own = dict(entries)
        self._all: dict[str, Entry] | None = None

    @property
    def entries(self) -> dict[str, Entry]:
        """Every known name with its entry, ours first. Reads installed metadata once, imports nothing."""
        if self._all is None:
            plugins = {point.name: _entry_of(point) for point in entry_points(group=self.group)}
            self._all = {**self._own, **{name: e for name, e in plugins.items() if name not in self._own}}
        return self._all

    def find(self, name: str) -> Entry:
        """Look a name up.

        Raises UnknownNameError that suggests neighbours and lists what there is.
        """
        if name in self.entries:
            return self.entries[name]
        raise UnknownNameError(unknown_name(self.kind, name, self.entries, LISTED_BY))

    def create(self, name: str, **options: Any) -> Any:
        """Import the target of ``name`` and call it with the entry's options and ``options``."""
        return self.find(name).create(**options)


def _entry_of(point: EntryPoint) -> Entry:
    distribution = point.dist.name if point.dist else None
    return Entry(point.value, f"from the package {distribution or point.module}", distribution=distribution)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _is_derived(kind: type) -> bool:
    """Whether a class is one of this project's or derived from one: its module is part of the plug-in's code."""
    return any(base.__module__.startswith("bokehbench.") for base in kind.__mro__)


@functools.cache
def _packages_of(distribution: str | None) -> frozenset[str]:
    """Return the top-level names that an installed package brings: a plug-in may consist of several."""
    if distribution is None:
        return frozenset()
    first = (file.parts[0] for file in files(distribution) or () if file.suffix in SUFFIXES)
    return frozenset(name.partition(".")[0] for name in first)
