"""Settings of a user's scene: the file beside its pictures, over the one for all scenes."""

import math
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.documents import read_document
from ..core.errors import DamagedDataError
from ..core.text import unknown_name
from .files.role_files import ROLES, settings_files

FOCUS_SETTINGS = ("focus_disparity", "focus_depth", "focus_at")
STRENGTH_SETTINGS = ("blur_strength", "max_radius_px")
MAP_SETTINGS = ("disparity", "depth")
GROUPS = (FOCUS_SETTINGS, STRENGTH_SETTINGS, MAP_SETTINGS)
"""Settings of which one at most is given; a scene's own replaces every common one of its group."""

DEPTH_SETTINGS = ("depth_unit", "depth_ray_fov")
KNOWN_SETTINGS = (*FOCUS_SETTINGS, *STRENGTH_SETTINGS, "gamma", *DEPTH_SETTINGS, *ROLES)
SceneOptions = Mapping[str, Any]


def read_settings(folder: Path) -> SceneOptions:
    """Read the settings file of ``folder``: YAML, of which JSON is a part; empty where there is none.

    Raises DamagedDataError for one that cannot be parsed, is no mapping, or has unknown keys.
    """
    found = settings_files(folder)
    if len(found) > 1:
        raise DamagedDataError(f"{folder}: expected one file of settings, got {' and '.join(f.name for f in found)}")
    content = read_document(found[0], "YAML or JSON with settings") if found else None
    if content is None:
        return {}
    path = found[0]
    if not isinstance(content, dict):
        raise DamagedDataError(f"{path}: expected settings such as 'max_radius_px: 20', got {type(content).__name__}")
    unknown = [str(key) for key in content if key not in KNOWN_SETTINGS]
    if unknown:
        raise DamagedDataError(f"{path}: {unknown_name('setting', unknown[0], KNOWN_SETTINGS)}")
    for group in GROUPS:
        given = [key for key in group if key in content]
        if len(given) > 1:
            raise DamagedDataError(f"{path}: expected either {' or '.join(given)}, got both")
    return content


def merge_settings(common: SceneOptions, own: SceneOptions) -> SceneOptions:
    """Return a scene's settings over the common ones: its own focus replaces a common focus, strength, map likewise."""
    replaced = {key for group in GROUPS if any(k in own for k in group) for key in group}
    return {key: value for key, value in common.items() if key not in replaced} | dict(own)


def number_of(settings: SceneOptions, key: str, folder: Path, low: float = -math.inf) -> float:
    """Return a setting. Raises DamagedDataError where it is no number, or below ``low``."""
    value = settings[key]
    if not is_number(value) or value < low:
        bound = f" of at least {low:g}" if low > -math.inf else ""
        raise DamagedDataError(f"{folder}: {key}: expected a number{bound}, got {reprlib.repr(value)}")
    return float(value)


def is_number(value: object) -> bool:
    """Whether a setting is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
