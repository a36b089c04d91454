"""What a wrong disparity did to pictures: the perturbed map beside every render, at chosen severities."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...benchmarks.run.schema import Row
from ...robustness.curves import Degradation
from .gallery import Gallery, Render, SceneView
from .numbers import write_severity
from .pictures import Picture

MOST_SEVERITIES = 5


@dataclass(frozen=True)
class Step:
    """One severity of a case: the disparity that was given, and what each renderer made of it."""

    severity: str
    disparity: Picture | None
    renders: list[Render]


@dataclass(frozen=True)
class PerturbedCase:
    """One scene along the axis; ``why`` it was chosen."""

    view: SceneView
    why: str
    renderers: list[str]
    steps: list[Step]


def show_cases(
    gallery: Gallery, rows: Sequence[Row], dataset: str, perturbation: str, found: Degradation
) -> list[PerturbedCase]:
    """Show the scenes that suffer most, least and as the median, by the drop averaged over axis and renderers."""
    drops = found.mean_drops().mean(axis=1).sort_values(kind="stable")
    places = {len(drops) - 1: "suffers most", (len(drops) - 1) // 2: "suffers as the median scene", 0: "suffers least"}
    scenes = {scene["scene"]: scene for scene in gallery.run.scenes if scene["dataset"] == dataset}
    wanted = set(choose_severities(found.severities))
    cases = []
    for place, why in places.items():
        name = str(drops.index[place])
        mine = [row for row in rows if row["scene"] == name and row["renderer"] in found.renderers]
        if name not in scenes:
            continue
        view = gallery.view(scenes[name])
        steps = [_step(gallery, mine, perturbation, s, view, found.renderers) for s in found.severities if s in wanted]
        cases.append(PerturbedCase(view, why, found.renderers, steps))
    return cases


def choose_severities(severities: Sequence[float]) -> list[float]:
    """Return at most five severities, evenly spread over the ranks of either side, 0 and both ends among them."""
    sides = [[s for s in severities if s < 0], [s for s in severities if s > 0]]
    left = (MOST_SEVERITIES - 1) // (2 if all(sides) else 1)
    chosen = {0.0}
    for side in sides:
        ranked = sorted(side, key=abs)
        count = min(left, len(ranked))
        chosen |= {ranked[(len(ranked) * (n + 1)) // count - 1] for n in range(count)}
    return sorted(chosen)


def _step(
    gallery: Gallery, rows: Sequence[Row], perturbation: str, severity: float, view: SceneView, renderers: Sequence[str]
) -> Step:
    chosen = [
        row for row in rows if row["severity"] == severity and (not severity or row["perturbation"] == perturbation)
    ]
    first = {name: row for name in renderers for row in reversed(chosen) if row["renderer"] == name}
    text = write_severity(severity)
    if severity == 0:
        return Step(text, view.disparity, [gallery.render(row) for row in first.values()])
    stored = next((row for row in chosen if row["disparity"]), None)
    source = disparity = None
    if stored is not None and stored["disparity"]:
        source = gallery.intact(gallery.run.folder / stored["disparity"], stored["disparity_sha256"])
    if source is not None:
        place = (rows[0]["dataset"], view.name, f"disparity-{perturbation}{severity:g}")
        disparity = gallery.maker.disparity(source, place)
    return Step(text, disparity, [gallery.render(row) for row in first.values()])
