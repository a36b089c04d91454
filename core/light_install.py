"""What the light install leaves out (``light.txt`` beside the README lists what it has), and what is said then."""

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
    return MissingPackageError(f"this needs the package {package}, which the light install leaves out: {REMEDY}")
