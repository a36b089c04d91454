"""The robustness page: degradation curves, what sums them up, and what wrong inputs did to the renders."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from ...benchmarks.run.store import StoredRun
from ...benchmarks.statistics.estimates import estimate_quartile_width
from ...robustness.curves import Degradation, repeat_blind
from ...robustness.perturbations.interface import Perturbation
from ...robustness.perturbations.registry import PERTURBATIONS, load_perturbation
from ..files.export import Links, Sheet, export_sheet
from ..parts.axis_verdicts import join_warnings, judge_axis
from ..parts.cells import Cell, Grid, Measure, compare_measures, estimate_cells
from ..parts.figures import Plot, draw_curves, save
from ..parts.gallery import Gallery
from ..parts.numbers import write_count, write_score, write_severity
from ..parts.perturbed_cases import PerturbedCase, show_cases
from ..parts.pictures import PictureMaker
from ..parts.problems import Problem, find_absent, find_oddities, find_problems
from ..parts.run_facts import find_apart, takes
from ..parts.severity_axis import label_severities, name_inputs, write_signs
from ..parts.severity_scores import SeverityScores, compare_at_severities
from ..parts.tables import comparison_sheet, find_clusters, grid_sheet
from ..parts.wrong_band import BandSection, describe_band


@dataclass(frozen=True)
class MetricCurves:
    """One metric along one axis: figures and the numbers in them, scores at each severity, the table that sums it up.

    ``numbers`` is severity, then for each renderer the quartiles and the median drop as text; ``widths`` are cells of
    the interquartile width, which describes a renderer alone.
    """

    name: str
    unit: str
    higher_is_better: bool
    plots: list[Plot]
    scores: SeverityScores
    renderers: list[str]
    numbers: list[tuple[str, list[tuple[str, str]]]]
    grid: Grid
    widths: dict[str, Cell]
    links: Links
    summary_links: Links
    test_links: Links | None
    notes: list[str]


@dataclass(frozen=True)
class Axis:
    """One perturbation of one data set; ``fault``: what is wrong, ``truth``: what the drop is measured against.

    ``signs``: what the severities' signs mean, a sentence; ``warnings`` limit what can be said at all.
    """

    number: int
    dataset: str
    perturbation: str
    unit: str
    fault: str
    truth: str
    summary: str
    sentence: str
    signs: str
    warnings: list[str]
    metrics: list[MetricCurves]
    cases: list[PerturbedCase]
    band: BandSection | None


def describe_robustness(
    run: StoredRun, maker: PictureMaker, reference: str | None, styles: Mapping[str, int]
) -> dict[str, Any] | None:
    """Return the page's context; None where the run has no sweep. ``styles`` numbers the renderers' looks."""
    sweep = run.meta.get("sweep")
    if not sweep:
        return None
    writer = AxisWriter(run, Gallery(run, [], maker), reference, styles)
    swept = dict.fromkeys(name for name, severity in sweep["settings"]["perturbations"] if severity)
    perturbations = [name for name in swept if name in PERTURBATIONS.entries]  # those of another package may be absent
    unknown = [
        Problem(f"{name} is not shown:", "no perturbation of this name is known here: install the package that has it")
        for name in swept
        if name not in perturbations
    ]
    pairs = [
        (dataset, name) for dataset, about in sweep["datasets"].items() if about["scored"] for name in perturbations
    ]
    changed = frozenset[str]().union(*(load_perturbation(name).changes for name in perturbations))
    axes = [writer.describe(number, dataset, name) for number, (dataset, name) in enumerate(pairs, 1)]
    return {
        "command": sweep["command"],
        "axes": axes,
        "verdicts": [judge_axis(axis) for axis in axes],
        "faults": name_inputs(changed, 0) or "wrong inputs",
        "unscored": [name for name, about in sweep["datasets"].items() if not about["scored"]],
        "problems": find_problems(sweep, run.sweep, writer.gallery.damaged, writer.gallery.lost) + unknown,
        "absent": find_absent(sweep),
        "oddities": find_oddities(sweep, run.scenes),
    }


class AxisWriter:
    """Describes one axis after the other; ``gallery`` holds no renders of its own: the cases choose theirs.

    Renderers stand in the order of the table of results everywhere.
    """

    def __init__(self, run: StoredRun, gallery: Gallery, reference: str | None, styles: Mapping[str, int]):
        self.run = run
        self.gallery = gallery
        self.assets = gallery.maker.assets
        self.reference = reference
        self.styles = styles
        self.about = run.meta["sweep"]["renderers"]
        last = find_apart(self.about)
        self.order = {name: number for number, name in enumerate(sorted(self.about, key=last.__contains__))}

    def describe(self, number: int, dataset: str, name: str) -> Axis:
        """Return what the page shows of the perturbation ``name`` on a data set; figures and tables are written."""
        rows = [row for row in self.run.sweep if row["dataset"] == dataset]
        rows.sort(key=lambda row: self.order[row["renderer"]])
        one = load_perturbation(name)
        true_disparity = self.run.meta["sweep"]["datasets"][dataset].get("true_disparity", True)
        blind = {n for n, about in self.about.items() if not takes(about["capabilities"], one.changes)}
        rows = repeat_blind(rows, blind, name)
        clusters = find_clusters(self.run, dataset, rows)
        metrics = {n: metric for n, metric in self.run.meta["sweep"]["metrics"].items() if metric["available"]}
        found = {
            n: Degradation(rows, name, n, metric["higher_is_better"], one.neutral, one.marks)
            for n, metric in metrics.items()
        }
        usable = {n: d for n, d in found.items() if len(d.severities) > 1 and not d.scores.empty}
        first = next(iter(usable.values()), None)
        described = [self._metric(f"{number}-{n}", n, metrics[n], usable[n], one, clusters, blind) for n in usable]
        return Axis(
            number=number,
            dataset=dataset,
            perturbation=name,
            unit=one.unit,
            fault=name_inputs(one.changes, 0),
            truth=name_inputs(one.changes, 1),
            summary=PERTURBATIONS.find(name).summary,
            sentence=_describe_axis(first) if first else "No scene has a value at every severity yet.",
            signs=write_signs(one),
            warnings=join_warnings(described),
            metrics=described,
            cases=show_cases(self.gallery, rows, dataset, one, first) if first and self.run.has_pictures else [],
            band=describe_band(rows, one, self.assets, self.styles, str(number), true_disparity=true_disparity),
        )

    def _metric(
        self,
        key: str,
        name: str,
        metric: Mapping[str, Any],
        found: Degradation,
        perturbation: Perturbation,
        clusters: Mapping[str, str],
        blind: Set[str],
    ) -> MetricCurves:
        unit, where = metric["unit"], f"{name} along {perturbation.label}"
        grid = self._summarise(name, metric, found, clusters, blind)
        widths = {r: estimate_quartile_width(found.scores_of(r), clusters) for r in grid.cells}
        cells = estimate_cells(widths, unit)
        tests = comparison_sheet(grid.tests, grid.reference, where) if grid.reference and grid.tests else None
        return MetricCurves(
            name=name,
            unit=unit,
            higher_is_better=metric["higher_is_better"],
            plots=self._plots(key, name, unit, found, perturbation),
            scores=compare_at_severities(key, where, metric, found, clusters, self.assets),
            renderers=found.renderers,
            numbers=_numbers(found, unit),
            grid=grid,
            widths=cells,
            links=export_sheet(self.assets, f"robustness-{key}-curves", _curve_sheet(where, unit, found)),
            summary_links=export_sheet(self.assets, f"robustness-{key}-summary", grid_sheet(where, grid, cells)),
            test_links=export_sheet(self.assets, f"robustness-{key}-tests", tests) if tests else None,
            notes=_notes(found, perturbation.changes, blind),
        )

    def _summarise(
        self,
        name: str,
        metric: Mapping[str, Any],
        found: Degradation,
        clusters: Mapping[str, str],
        blind: Set[str],
    ) -> Grid:
        """Compare the renderers that read what is changed, by their mean score and by their drops."""
        renderers = [name for name in found.renderers if name not in blind]
        span = " to ".join(write_severity(found.severities[end], found.is_signed) for end in (0, -1))
        unit, up = metric["unit"], metric["higher_is_better"]
        columns = [
            ("mean score", up, f"area under {name} over {span}, by the axis's length", found.mean_scores()),
            (
                "mean drop",
                False,
                f"area under the drop of {name} over {span}, by the axis's length",
                found.mean_drops(),
            ),
        ]
        for severity in found.marks():
            text = f"how much worse {name} is than unperturbed"
            at = write_severity(severity, found.is_signed)
            columns.append((f"drop at {at}", False, text, found.drops_at(severity)))
        measures = [Measure(text, unit, higher, tip, values[renderers]) for text, higher, tip, values in columns]
        return compare_measures(
            measures, renderers, clusters, self.reference, dict.fromkeys(renderers, len(found.scores))
        )

    def _plots(self, key: str, name: str, unit: str, found: Degradation, perturbation: Perturbation) -> list[Plot]:
        suffix = f" ({unit})" if unit else ""
        kinds = {"score": f"{name}{suffix}", "drop": f"drop of {name}{suffix}"}
        plots = []
        for what, text in kinds.items():
            labels = {"y": text, "what": what, **label_severities(perturbation)}
            figure = draw_curves(found.curves(), found.severities, self.styles, labels)
            names = ", ".join(found.renderers)
            alt = (
                f"{text} along {perturbation.label}: median and quartile band of {names}. {write_signs(perturbation)}"
                " The numbers stand in a table below."
            )
            plots.append(save(self.assets, f"robustness-{key}-{what}", figure, alt))
        return plots


def _numbers(found: Degradation, unit: str) -> list[tuple[str, list[tuple[str, str]]]]:
    lines = []
    for position, severity in enumerate(found.severities):
        cells = []
        for curve in found.curves():
            low, median, high = (values[position] for values in (curve.score.low, curve.score.median, curve.score.high))
            band = f"{write_score(low, unit)} \N{EN DASH} {write_score(high, unit)}"
            cells.append((write_score(median, unit), band))
        lines.append((write_severity(severity, found.is_signed), cells))
    return lines


def _curve_sheet(where: str, unit: str, found: Degradation) -> Sheet:
    values = [
        [curve.renderer, severity, *(float(q[n]) for kind in (curve.score, curve.drop) for q in
         (kind.low, kind.median, kind.high)), len(found.scores)]
        for curve in found.curves()
        for n, severity in enumerate(found.severities)
    ]  # fmt: skip
    return Sheet(
        caption=f"{where}: median and quartiles over {write_count(len(found.scores), 'scene')}",
        head=["renderer", "severity", "q25", "median", "q75", "drop_q25", "drop_median", "drop_q75", "scenes"],
        values=values,
        printed_head=["Severity", *found.renderers],
        printed=[
            [severity, *(f"{median} ({band})" for median, band in cells)] for severity, cells in _numbers(found, unit)
        ],
    )


def _describe_axis(found: Degradation) -> str:
    scenes = write_count(len(found.scores), "scene")
    severities = ", ".join(write_severity(severity, found.is_signed) for severity in found.severities)
    return f"{write_count(len(found.renderers), 'renderer')} on {scenes} at severities {severities}."


def _notes(found: Degradation, changes: Set[str], blind: Set[str]) -> list[str]:
    notes = []
    names = ", ".join(name for name in found.renderers if name in blind)
    if names:
        what = " or the ".join(sorted(changes))
        notes.append(
            f"{names}: never reads the {what}, so it is rendered once a scene and cannot drop. Drawn for comparison,"
            " not summed up."
        )
    if found.incomplete:
        notes.append(f"Left out, because a severity has no value yet: {', '.join(found.incomplete)}.")
    if found.dropped_scenes:
        scenes = write_count(found.dropped_scenes, "scene")
        notes.append(f"{scenes} left out, because not every renderer has a value at every severity there.")
    return notes
