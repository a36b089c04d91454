"""The robustness sweep: the benchmark's cases, once for every severity of every perturbation."""

from collections.abc import Sequence

from ..benchmarks.request import RunRequest
from ..benchmarks.run.cases import Case
from ..benchmarks.run.runner import Row
from ..benchmarks.run.session import run_benchmark
from ..benchmarks.run.usable import load_renderer
from ..core.errors import InvalidOptionError
from ..core.scene import Scene
from .perturbations.registry import PERTURBATIONS, load_perturbation


def run_sweep(request: RunRequest) -> list[Row]:
    """Run ``request`` for each of its perturbations at their default severities, or at those that it names.

    Severity 0 is always included: every drop is measured against it, and it is the benchmark's own case, made once.
    Raises InvalidOptionError where a severity means nothing to a perturbation, or no renderer takes a disparity.
    """
    if not any("disparity" in load_renderer(name).capabilities.inputs for name in request.renderers):
        listed = ", ".join(request.renderers)
        raise InvalidOptionError(f"--renderers {listed}: expected one that takes a disparity: a sweep changes it")
    severities = plan_severities(request.perturbations, request.severities)
    code = {name: PERTURBATIONS.find(name).hash_code(load_perturbation(name)) for name in request.perturbations}
    return run_benchmark(request, severities, perturb, code)


def plan_severities(names: Sequence[str], severities: Sequence[float] | None = None) -> list[tuple[str, float]]:
    """Return (perturbation, severity) pairs in ascending order of severity."""
    pairs = []
    for name in names:
        perturbation = load_perturbation(name)
        chosen = sorted({0.0, *(perturbation.severities if severities is None else severities)})
        for severity in chosen:
            perturbation.check(severity)
            pairs.append((name, severity))
    if all(severity == 0 for _, severity in pairs):
        raise InvalidOptionError("--severities: expected at least one severity other than 0")
    return pairs


def perturb(scene: Scene, case: Case) -> Scene:
    """Return the scene as the renderer of a perturbed case sees it."""
    return load_perturbation(case.perturbation).apply(scene, case.severity, case.seed)
