"""The robustness sweep: the benchmark's cases, once for every severity of every perturbation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..benchmarks.request import RunRequest
from ..benchmarks.run.cases import UNPERTURBED, Case
from ..benchmarks.run.runner import Row
from ..benchmarks.run.session import run_benchmark
from ..benchmarks.run.usable import load_renderer
from ..core.errors import InvalidOptionError
from ..core.scene import Scene
from ..datasets.interface import SceneDataset
from .band_scores import store_band_scores
from .perturbations.registry import PERTURBATIONS, load_perturbation


def run_sweep(request: RunRequest) -> list[Row]:
    """Run ``request`` for each of its perturbations at their default severities, or at those that it names.

    The neutral severity is always included: every drop is measured against it, and it is the benchmark's own case, made
    once. A renderer that takes nothing of what a perturbation changes is rendered at the neutral severity alone.
    Raises InvalidOptionError where a severity means nothing to a perturbation, or no renderer takes what is changed.
    """
    severities = plan_severities(request.perturbations, request.severities)
    perturbations = {name: load_perturbation(name) for name in request.perturbations}
    changes = {name: perturbation.changes for name, perturbation in perturbations.items()}
    changed = frozenset[str]().union(*changes.values())
    if all(changed.isdisjoint(load_renderer(name).capabilities.inputs) for name in request.renderers):
        what, listed = " or a ".join(sorted(changed)), ", ".join(request.renderers)
        raise InvalidOptionError(f"--renderers {listed}: expected one that takes a {what}: a sweep changes it")
    code = {name: PERTURBATIONS.find(name).hash_code(one) for name, one in perturbations.items()}
    return run_benchmark(request, severities, perturb, code, changes, measure_bands)


def measure_bands(folder: Path, rows: Sequence[Row], datasets: Mapping[str, SceneDataset]) -> list[Row]:
    """Return the rows with ``wrong_band`` where a data set knows the true disparity; see ``store_band_scores``."""
    known = [row for row in rows if datasets[row["dataset"]].true_disparity]
    measured = {row["key"]: row for row in store_band_scores(folder, known)}
    return [measured.get(row["key"], row) for row in rows]


def plan_severities(names: Sequence[str], severities: Sequence[float] | None = None) -> list[tuple[str, float]]:
    """Return (perturbation, severity) pairs in ascending order of severity; the neutral one is nobody's, severity 0."""
    pairs: list[tuple[str, float]] = []
    for name in names:
        perturbation = load_perturbation(name)
        neutral = perturbation.neutral
        chosen = sorted({neutral, *(perturbation.severities if severities is None else severities)})
        if chosen == [neutral]:
            raise InvalidOptionError(f"--severities: expected at least one severity other than {neutral:g} for {name}")
        for severity in chosen:
            perturbation.check(severity)
            pairs.append((UNPERTURBED, 0) if severity == neutral else (name, severity))
    return pairs


def perturb(scene: Scene, case: Case) -> Scene:
    """Return the scene as the renderer of a perturbed case sees it."""
    return load_perturbation(case.perturbation).apply(scene, case.severity, case.seed)
