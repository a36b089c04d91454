"""Cases: what one command asks for, expanded before anything is rendered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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

    @property
    def key(self) -> str:
        """The case's stable name, one line of printable ASCII: a finished key is never rendered twice."""
        parts = (
            _versioned(self.dataset, self.dataset_version),
            quote(self.scene, safe=""),
            _versioned(self.renderer, self.weights or ""),
            quote(self.perturbation, safe=""),
            f"{self.severity:g}",
            str(self.seed),
            quote(self.device, safe=""),
            self.dtype,
        )
        return "/".join(parts)


def expand_cases(
    renderers: Iterable[tuple[str, str | None]],
    datasets: Iterable[tuple[str, str, Sequence[str]]],
    *,
    seed: int = 0,
    device: str = "cpu",
    dtype: str = "float32",
) -> list[Case]:
    """Expand (renderer, weights) pairs and (data set, version, scene names) triples into cases.

    Renderers vary slowest, so that a run holds one renderer in memory at a time.
    """
    datasets = list(datasets)
    return [
        Case(
            dataset=dataset,
            dataset_version=version,
            scene=scene,
            renderer=renderer,
            weights=weights,
            seed=seed,
            device=device,
            dtype=dtype,
        )
        for renderer, weights in renderers
        for dataset, version, scenes in datasets
        for scene in scenes
    ]


def _versioned(name: str, version: str) -> str:
    return quote(name, safe="@") + (f"#{quote(version, safe='')}" if version else "")
