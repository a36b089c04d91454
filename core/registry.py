"""One registry for every kind of plug-in: names map to ``"module:attribute"`` targets that are imported when asked for.

Listing names imports nothing, so that ``--help`` and ``--list`` stay instant. Other people's packages add names through
entry points; a name of ours cannot be replaced by theirs.
"""

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .errors import UnknownNameError


@dataclass(frozen=True)
class Entry:
    """What a registry knows about a name before importing it.

    ``target`` is ``"module:attribute"`` (a leading dot means inside ``bokehbench``), ``summary`` one line for
    ``--list``, ``options`` keyword arguments bound to the name: a variant is a configuration, not a class.
    """

    target: str
    summary: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """Import the target."""
        module, _, attribute = self.target.partition(":")
        package = "bokehbench" if module.startswith(".") else None
        return getattr(importlib.import_module(module, package), attribute)


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
        close = difflib.get_close_matches(name, self.entries, n=2, cutoff=0.5)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        raise UnknownNameError(f"unknown {self.kind} '{name}'.{hint} Known: {', '.join(self.entries)}")

    def create(self, name: str, **options: Any) -> Any:
        """Import the target of ``name`` and call it with the entry's options and ``options``."""
        entry = self.find(name)
        return entry.load()(**{**entry.options, **options})


def _entry_of(point: EntryPoint) -> Entry:
    distribution = point.dist.name if point.dist else point.module
    return Entry(point.value, f"from the package {distribution}")
