"""Which file of a folder plays a role: ``image``, ``disparity``, ``depth`` or ``target``."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ...core.errors import DamagedDataError, MissingDataError
from ...core.text import printable
from ..members import is_leftover
from .data_root import inside
from .kinds import MAP_SUFFIXES, PICTURE_SUFFIXES, unknown_format

SETTINGS_FILES = ("scene.yaml", "scene.yml", "scene.json")
ROLES = ("image", "disparity", "depth", "target")
SUFFIXES = {"image": PICTURE_SUFFIXES, "target": PICTURE_SUFFIXES, "disparity": MAP_SUFFIXES, "depth": MAP_SUFFIXES}
OTHER_PICTURES = {".avif", ".cr2", ".dng", ".hdr", ".jxl", ".mat", ".nef", ".npz", ".pfm", ".raw"}
"""Pictures and maps that nobody here reads, beside those that Pillow knows: what is no picture (a note, a backup copy)
plays no role."""


def settings_files(folder: Path) -> list[Path]:
    """Return the files of settings in ``folder``, in whatever case their names are written."""
    found = (name for name in os.listdir(folder) if name.lower() in SETTINGS_FILES)
    return [folder / name for name in sorted(found, key=lambda name: (SETTINGS_FILES.index(name.lower()), name))]


def find_role_file(folder: Path, role: str) -> Path | None:
    """Return ``role``.png, .npy, ... in ``folder``; None where there is none.

    Raises DamagedDataError where there are two, or one of a format that is not read for this role.
    """
    named = [path for path in sorted(folder.iterdir()) if path.stem.lower() == role]
    found = [path for path in named if path.suffix.lower() in SUFFIXES[role]]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise DamagedDataError(f"{folder}: expected one {role}, got {names}: name one in {SETTINGS_FILES[0]}")
    if found:
        return found[0]
    others = [path for path in named if _is_other_picture(path.suffix.lower())]
    if others:
        raise unknown_format(others[0], role)
    return None


def role_file(folder: Path, role: str, settings: Mapping[str, Any]) -> Path | None:
    """Return the file that the settings name for ``role``, else the one that is called so.

    Raises DamagedDataError as ``find_role_file`` and ``inside`` do.
    """
    if role in settings:
        return inside(folder, settings[role], folder / SETTINGS_FILES[0])
    return find_role_file(folder, role)


def map_file(folder: Path, settings: Mapping[str, Any]) -> tuple[str, Path] | None:
    """Return ``disparity`` or ``depth``, and its file: what the settings name, else the one map of the folder.

    Raises DamagedDataError for several.
    """
    roles = [role for role in ("disparity", "depth") if role in settings] or ["disparity", "depth"]
    files = [(role, role_file(folder, role, settings)) for role in roles]
    found = [(role, file) for role, file in files if file is not None]
    if len(found) > 1:
        names = " and ".join(file.name for _, file in found)
        raise DamagedDataError(f"{folder}: expected one map, got {names}: name one in {SETTINGS_FILES[0]}")
    return found[0] if found else None


def plays_a_role(path: Path) -> bool:
    """Whether a file is called like one that makes its folder a scene, whether it can be read or not."""
    role, suffix = path.stem.lower(), path.suffix.lower()
    return role in ROLES and (suffix in SUFFIXES[role] or _is_other_picture(suffix))


def is_picture(path: Path) -> bool:
    """Whether a file's name ends like one of a picture or a map, whether it can be read or not."""
    suffix = path.suffix.lower()
    return suffix in PICTURE_SUFFIXES or suffix in MAP_SUFFIXES or _is_other_picture(suffix)


def stray_pictures(folder: Path) -> list[str]:
    """Return the names of pictures that play no role, where there is a role that no file is called after."""
    files = [path for path in sorted(folder.iterdir()) if is_picture(path) and not is_leftover(path.name)]
    played = {path.stem.lower() for path in files if plays_a_role(path)}
    if {"image", "target"} <= played and played & {"disparity", "depth"}:
        return []
    return [path.name for path in files if not plays_a_role(path)]


def absent(folder: Path, roles: Sequence[str], remedy: str = "", strays: Sequence[str] = ()) -> MissingDataError:
    """Return the error for a file that a scene must have: it names what stands there in its place, or ``strays``."""
    named = [path for path in sorted(folder.iterdir()) if path.stem.lower() in roles]
    if named:
        return unknown_format(named[0], named[0].stem.lower())
    wanted = " or ".join(f"{role}.*" for role in roles)
    found = f"none, but {', '.join(map(printable, strays))}: rename it, or name it in {SETTINGS_FILES[0]}"
    found = found if strays else "none"
    return MissingDataError(f"{folder}: expected {wanted} ({', '.join(SUFFIXES[roles[0]])}), found {found}{remedy}")


def _is_other_picture(suffix: str) -> bool:
    return suffix in OTHER_PICTURES or suffix in Image.registered_extensions()
