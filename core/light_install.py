"""What the light install leaves out (``light.txt`` beside the README lists what it has), and what is said then."""

import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec

from .errors import MissingPackageError

LEFT_OUT = frozenset(
    (
        *("accelerate", "datasets", "diffusers", "huggingface_hub", "lpips"),
        *("peft", "pyiqa", "pytest_benchmark", "timm", "torchvision"),
    )
)
"""Modules of packages that only learned renderers on diffusers, network metrics, downloads and trainings need."""

REMEDY = "install everything: pip install -c constraints.txt -e ."


def explain_missing(error: ImportError) -> MissingPackageError | None:
    """Return what a user can do about a module that cannot be found; None where it is none of LEFT_OUT."""
    package = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or package not in LEFT_OUT:
        return None
    return MissingPackageError(_say((package,)))


def find_missing(packages: Iterable[str]) -> MissingPackageError | None:
    """Return what a user can do about those of ``packages``, of LEFT_OUT, that are not here; None where all are.

    Nothing is imported.
    """
    missing = [name for name in packages if sys.modules.get(name) is None and find_spec(name) is None]
    return MissingPackageError(_say(missing)) if missing else None


def _say(packages: Sequence[str]) -> str:
    *others, last = packages
    names = f"packages {', '.join(others)} and {last}" if others else f"package {last}"
    return f"this needs the {names}, which the light install leaves out: {REMEDY}"
