"""What wrong inputs did to renders: the perturbed picture or map above every render, at chosen severities."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...benchmarks.run.schema import Row
from ...robustness.curves import Degradation, severity_on_axis
from ...robustness.perturbations.interface import Perturbation
from .gallery import Gallery, Render, SceneView
from .numbers import write_severity
from .pictures import Picture

MOST_SEVERITIES = 5


@dataclass(frozen=True)
class Step:
    """One severity of a case: what was given, in the order of the case's ``changed``, and each renderer's picture."""

    severity: str
    given: list[Picture | None]
    renders: list[Render]


@dataclass(frozen=True)
class PerturbedCase:
    """One scene along the axis; ``why`` it was chosen, ``changed`` the inputs that were."""

    view: SceneView
    why: str
    changed: list[str]
    renderers: list[str]
    steps: list[Step]


def show_cases(
    gallery: Gallery, rows: Sequence[Row], dataset: str, perturbation: Perturbation, found: Degradation
) -> list[PerturbedCase]:
    """Show the scenes that suffer most, least and as the median, by the drop averaged over axis and renderers.

    Two scenes have no median, and one is said to be the only one.
    """
    drops = found.mean_drops().mean(axis=1).sort_values(kind="stable")
    places = {len(drops) - 1: "suffers most", (len(drops) - 1) // 2: "suffers as the median scene", 0: "suffers least"}
    if len(drops) == 1:
        places = {0: "the only scene"}
    scenes = {scene["scene"]: scene for scene in gallery.run.scenes if scene["dataset"] == dataset}
    wanted = choose_severities(found.severities, found.neutral)
    changed = sorted(perturbation.changes, reverse=True)  # the picture above the map
    cases = []
    for place, why in places.items():
        name = str(drops.index[place])
        mine = [row for row in rows if row["scene"] == name and row["renderer"] in found.renderers]
        if name not in scenes:
            continue
        view = gallery.view(scenes[name])
        steps = [_step(gallery, mine, changed, severity, view, found) for severity in wanted]
        cases.append(PerturbedCase(view, why, changed, found.renderers, steps))
    return cases


def choose_severities(severities: Sequence[float], neutral: float = 0.0) -> list[float]:
    """Return at most five severities, evenly spread over the ranks of either side, the neutral one and the ends too."""
    sides = [[s for s in severities if s < neutral], [s for s in severities if s > neutral]]
    left = (MOST_SEVERITIES - 1) // (2 if all(sides) else 1)
    chosen = {neutral}
    for side in sides:
        ranked = sorted(side, key=lambda severity: abs(severity - neutral))
        count = min(left, len(ranked))
        chosen |= {ranked[(len(ranked) * (n + 1)) // count - 1] for n in range(count)}
    return sorted(chosen)


def _step(
    gallery: Gallery,
    rows: Sequence[Row],
    changed: Sequence[str],
    severity: float,
    view: SceneView,
    found: Degradation,
) -> Step:
    chosen = [row for row in rows if severity_on_axis(row, found.neutral) == severity]
    first = {name: row for name in found.renderers for row in reversed(chosen) if row["renderer"] == name}
    if severity == found.neutral:
        given = [view.input if what == "picture" else view.disparity for what in changed]
    else:
        given = [_perturbed(gallery, chosen, what) for what in changed]
    return Step(write_severity(severity, found.is_signed), given, [gallery.render(row) for row in first.values()])


def _perturbed(gallery: Gallery, rows: Sequence[Row], what: str) -> Picture | None:
    """Return the perturbed input that any of the rows was rendered from; None where none is stored."""
    is_picture = what == "picture"
    stored = [(row, row["input" if is_picture else "disparity"]) for row in rows]
    row, path = next((one for one in stored if one[1]), (None, None))
    if row is None or path is None:
        return None
    source = gallery.intact(gallery.run.folder / path, row["input_sha256" if is_picture else "disparity_sha256"])
    if source is None:
        return None
    place = (row["dataset"], row["scene"], f"{what}-{row['perturbation']}{row['severity']:g}")
    return gallery.maker.photograph(source, place) if is_picture else gallery.maker.disparity(source, place)
