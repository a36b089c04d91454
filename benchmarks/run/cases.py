"""Cases: what one command asks for, expanded before anything is rendered."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from urllib.parse import quote

UNPERTURBED = "none"


@dataclass(frozen=True, kw_only=True)
class MadeOf:
    """What a picture is made of: a digest of its scene's contents, the name of trained weights, digests of code.

    Nothing perturbs an unperturbed scene: it has no ``perturbation_code``.
    """

    data: str = ""
    weights: str | None = None
    dataset_code: str = ""
    renderer_code: str = ""
    perturbation_code: str = ""

    @property
    def scene(self) -> str:
        """What the scene alone is made of."""
        return " ".join(filter(None, (self.data, self.dataset_code)))


@dataclass(frozen=True, kw_only=True)
class Case:
    """One picture to make: data set x scene x renderer x perturbation x severity x seed, on one device in one type.

    ``made_of`` belongs to the key: replaced data, retrained weights and changed code are other cases, so a stored
    result can never stand for something it was not made from.
    """

    dataset: str
    scene: str
    renderer: str
    perturbation: str = UNPERTURBED
    severity: float = 0
    seed: int = 0
    device: str = "cpu"
    dtype: str = "float32"
    made_of: MadeOf = MadeOf()

    @cached_property
    def key(self) -> str:
        """The case's stable name, one line of printable ASCII: a finished key is never rendered twice."""
        made_of = self.made_of
        parts = (
            _versioned(self.dataset, made_of.data, made_of.dataset_code),
            quote(self.scene, safe=""),
            _versioned(self.renderer, made_of.weights or "", made_of.renderer_code),
            _versioned(self.perturbation, made_of.perturbation_code),
            f"{self.severity:.12g}",  # 4 and 4.0 are one
            str(self.seed),
            quote(self.device, safe=""),
            self.dtype,
        )
        return "/".join(parts)


@dataclass(frozen=True, kw_only=True)
class PlannedRenderer:
    """A renderer of a plan; ``blind_to``: the perturbations of which it takes no input that they change."""

    name: str
    weights: str | None = None
    device: str = "cpu"
    code: str = ""
    blind_to: Set[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class PlannedDataset:
    """A data set of a plan; ``scenes``: a digest of each scene's contents, by name."""

    name: str
    scenes: Mapping[str, str]
    code: str = ""


def expand_cases(
    renderers: Iterable[PlannedRenderer],
    datasets: Sequence[PlannedDataset],
    perturbations: Sequence[tuple[str, float]] = ((UNPERTURBED, 0),),
    perturbation_codes: Mapping[str, str] = MappingProxyType({}),
    *,
    seed: int = 0,
    dtype: str = "float32",
) -> list[Case]:
    """Expand renderers, data sets and (perturbation, severity) into cases.

    Renderers vary slowest, so that a run holds one renderer in memory at a time. Severity 0 of any perturbation is the
    same unperturbed case, which is made once. Perturbations that a renderer is blind to are left out.
    """
    pairs = list(dict.fromkeys((name, severity) if severity else (UNPERTURBED, 0) for name, severity in perturbations))
    return [
        Case(
            dataset=dataset.name,
            scene=scene,
            renderer=renderer.name,
            perturbation=perturbation,
            severity=severity,
            seed=seed,
            device=renderer.device,
            dtype=dtype,
            made_of=MadeOf(
                data=data,
                weights=renderer.weights,
                dataset_code=dataset.code,
                renderer_code=renderer.code,
                perturbation_code=perturbation_codes.get(perturbation, ""),
            ),
        )
        for renderer in renderers
        for dataset in datasets
        for scene, data in dataset.scenes.items()
        for perturbation, severity in pairs
        if perturbation not in renderer.blind_to
    ]


def _versioned(name: str, *versions: str) -> str:
    """Return a name with what it stands for; the place of each tells the versions apart."""
    return "#".join([quote(name, safe="@"), *(quote(version, safe="") for version in versions)]).rstrip("#")
