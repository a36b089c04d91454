"""The blur strength of a set of photographs: one number beside the data, fitted or given."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ...core.atomic_files import write_atomically
from ...core.documents import read_mapping
from ...core.errors import DamagedDataError

FILE_NAME = "blur_strength.json"


@dataclass(frozen=True)
class Strength:
    """``blur_strength`` in px per unit of disparity scaled to [0,1], at the widest aperture, and where it is from.

    ``fitted_on``: names of the pairs it was fitted on, none for a given one; ``psnr_db``: their mean with it.
    """

    blur_strength: float
    fitted_on: Sequence[str] = field(default_factory=tuple)
    psnr_db: float | None = None

    @property
    def origin(self) -> str:
        """How it was found, for the protocol's text."""
        return (
            f"fitted with `classical` on {len(self.fitted_on)} pairs outside the split" if self.fitted_on else "given"
        )


def read_strength(folder: Path, scored: Sequence[str] = ()) -> Strength | None:
    """Read what ``write_strength`` wrote; None where there is no such file.

    Raises DamagedDataError for a file that does not hold a strength, or one that was fitted on pairs in ``scored``.
    """
    path = folder / FILE_NAME
    if not os.path.lexists(path):
        return None
    content = read_mapping(path, "a number 'blur_strength'")
    try:
        strength = Strength(
            float(content["blur_strength"]), tuple(map(str, content.get("fitted_on", ()))), content.get("psnr_db")
        )
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DamagedDataError(f"{path}: expected a number 'blur_strength': {reason}: delete the file") from error
    if not (math.isfinite(strength.blur_strength) and strength.blur_strength > 0.0):
        raise DamagedDataError(f"{path}: expected a blur_strength above 0, got {strength.blur_strength:g}")
    leaked = sorted(set(strength.fitted_on) & set(scored))
    if leaked:
        raise DamagedDataError(f"{path}: fitted on {len(leaked)} scored pairs, such as {leaked[0]}: fit it again")
    return strength


def write_strength(folder: Path, strength: Strength) -> Path:
    """Write ``strength`` into ``folder``, complete or not at all; return the file's path."""
    path = folder / FILE_NAME
    text = json.dumps(asdict(strength), indent=1) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()))
    return path
