"""The scenes of a folder, each looked at behind one guard: what is wrong with one costs this one alone."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from ..core.errors import BokehBenchError, DamagedDataError, UnknownNameError
from ..core.text import did_you_mean, one_line, printable

Found = TypeVar("Found")

SYSTEM_ENTRIES = frozenset(
    ("thumbs.db", "desktop.ini", "__macosx", "@eadir", "lost+found", "$recycle.bin", "system volume information")
)
LEFTOVER = re.compile(r"(~|\.(bak|old|orig|tmp|swp|part|crdownload))$", re.IGNORECASE)
SHOWN_NAMES = 20


@dataclass
class Members(Generic[Found]):
    """Scenes by name: ``found`` as the data set describes them, ``broken`` with the error that loading one raises.

    ``passed_over``: entries that may have been meant as scenes, but do not look like one.
    """

    found: dict[str, Found] = field(default_factory=dict)
    broken: dict[str, BokehBenchError] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """All scenes, those that cannot be read at the end."""
        return [*self.found, *self.broken]

    def pick(self, dataset: str, scene: str) -> Found:
        """Return what was found of a scene. Raises its error, or UnknownNameError."""
        if scene in self.broken:
            raise self.broken[scene]
        if scene not in self.found:
            some = ", ".join(self.names[:SHOWN_NAMES])
            more = f" and {len(self.names) - SHOWN_NAMES} more" if len(self.names) > SHOWN_NAMES else ""
            raise UnknownNameError(
                f"{dataset} has no scene '{scene}'{did_you_mean(scene, self.names) or '.'} Known: {some}{more}"
            )
        return self.found[scene]


def list_members(
    entries: Iterable[Path],
    look: Callable[[Path], Mapping[str, Found] | None],
    name_of: Callable[[Path], str] = lambda entry: entry.name,
) -> Members[Found]:
    """Look at each entry of a folder; an error of any kind makes one broken scene of it, and the next one is looked at.

    ``look`` returns the scenes of an entry by name; {} where there are none though there might be, None where nobody
    would expect any. ``name_of`` names a broken scene. Hidden entries, and what systems and programs leave behind, are
    not looked at. Names come out printable.
    """
    members: Members[Found] = Members()
    for entry in entries:
        if is_leftover(entry.name):
            continue
        try:
            scenes = look(entry)
        except Exception as error:  # noqa: BLE001 - whatever an entry does to its reader is this entry's failure
            members.broken[_free_name(name_of(entry), members)] = _as_damage(entry, error)
            continue
        if scenes is not None and not scenes:
            members.passed_over.append(printable(entry.name))
        for name, scene in (scenes or {}).items():
            members.found[_free_name(name, members)] = scene
    return members


def is_leftover(name: str) -> bool:
    """Whether an entry is hidden, or left by a system, an editor or a broken download: ``.DS_Store``, ``a.png~``."""
    return name.startswith(".") or name.lower() in SYSTEM_ENTRIES or LEFTOVER.search(name) is not None


def _free_name(name: str, members: Members[Found]) -> str:
    """Return the name as it is printed, with a number where another scene's is printed alike."""
    shown, count = printable(name), 1
    while shown in members.found or shown in members.broken:
        count += 1
        shown = f"{printable(name)} ({count})"
    return shown


def _as_damage(entry: Path, error: Exception) -> BokehBenchError:
    if isinstance(error, BokehBenchError):
        return error
    reason = error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
    return DamagedDataError(f"{entry}: cannot be read: {one_line(reason)}")
