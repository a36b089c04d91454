"""Cases: what one command asks for, expanded before anything is rendered."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

UNPERTURBED = "none"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One picture to make: data set x scene x renderer x perturbation x severity x seed, on one device in one type.

    ``dataset_version`` and ``weights`` belong to the key: regenerated data and retrained weights are other cases, so a
    stored result can never stand for something it was not made from.
    """

    dataset: str
    scene: str
    renderer: str
    perturbation: str = UNPERTURBED
    severity: float = 0
    seed: int = 0
    dataset_version: str = ""
    weights: str | None = None
    device: str = "cpu"
    dtype: str = "float32"

    @cached_property
    def key(self) -> str:
        """The case's stable name, one line of printable ASCII: a finished key is never rendered twice."""
        parts = (
            _versioned(self.dataset, self.dataset_version),
            quote(self.scene, safe=""),
            _versioned(self.renderer, self.weights or ""),
            quote(self.perturbation, safe=""),
            f"{self.severity:.12g}",  # 4 and 4.0 are one
            str(self.seed),
            quote(self.device, safe=""),
            self.dtype,
        )
        return "/".join(parts)


def expand_cases(
    renderers: Iterable[tuple[str, str | None, str]],
    datasets: Iterable[tuple[str, str, Sequence[str]]],
    perturbations: Sequence[tuple[str, float]] = ((UNPERTURBED, 0),),
    *,
    blind: Collection[str] = (),
    seed: int = 0,
    dtype: str = "float32",
) -> list[Case]:
    """Expand (renderer, weights, device), (data set, version, scene names) and (perturbation, severity) into cases.

    Renderers vary slowest, so that a run holds one renderer in memory at a time. Severity 0 of any perturbation is the
    same unperturbed case, which is made once. ``blind`` renderers take no disparity: no perturbation reaches them, so
    they get that case alone.
    """
    pairs = list(dict.fromkeys((name, severity) if severity else (UNPERTURBED, 0) for name, severity in perturbations))
    datasets = list(datasets)
    return [
        Case(
            dataset=dataset,
            dataset_version=version,
            scene=scene,
            renderer=renderer,
            weights=weights,
            perturbation=perturbation,
            severity=severity,
            seed=seed,
            device=device,
            dtype=dtype,
        )
        for renderer, weights, device in renderers
        for dataset, version, scenes in datasets
        for scene in scenes
        for perturbation, severity in (pairs if renderer not in blind else [(UNPERTURBED, 0)])
    ]


def _versioned(name: str, version: str) -> str:
    return quote(name, safe="@") + (f"#{quote(version, safe='')}" if version else "")
