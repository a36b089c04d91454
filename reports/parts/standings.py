"""Several runs on one data set as one table: whose rows count beside each other, and what stands beside a score.

Means, intervals and tests are those of every other table of the report (``tables.build_table``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...benchmarks.run.cases import UNPERTURBED
from ...benchmarks.run.schema import MetricRecord, Row
from ...benchmarks.run.store import UNKNOWN_UNIT, StoredRun
from .tables import find_clusters, join_unknown

METRICS = ("psnr", "ssim", "lpips-alex")
"""The columns; the first one orders the lines."""


@dataclass
class Entry:
    """A renderer's line: ``label`` is its name, with the run's where several runs have it."""

    label: str
    renderer: str
    run: StoredRun
    rows: list[Row]

    @property
    def about(self) -> Mapping[str, Any]:
        """What run.json says of the renderer."""
        return self.run.meta["renderers"][self.renderer]


@dataclass
class Merged:
    """What counts on one data set; ``notes`` say what does not, and why."""

    dataset: str
    entries: list[Entry]
    metrics: dict[str, MetricRecord]
    clusters: dict[str, str]
    notes: list[str] = field(default_factory=list)

    @property
    def first_scenes(self) -> set[str]:
        """The scenes of the first run, which all others have to have."""
        return {row["scene"] for entry in self.entries[:1] for row in entry.rows}

    @property
    def rows(self) -> list[Row]:
        """The rows of all entries, each under its entry's label."""
        return [{**row, "renderer": entry.label} for entry in self.entries for row in entry.rows]


def scored_datasets(runs: Sequence[StoredRun]) -> list[str]:
    """Return every data set with ground truth of any run, each once."""
    return list(dict.fromkeys(name for run in runs for name, about in run.meta["datasets"].items() if about["scored"]))


def merge_runs(dataset: str, runs: Sequence[StoredRun]) -> Merged:
    """Put the unperturbed rows of a data set side by side, those that were measured here before those from elsewhere.

    The first run says what a scene's data and a metric's variant are: rows on other data, and scores of another variant
    or with other weights, are left out. So are renderers that a later run gave fewer scenes than the first: a few rows
    more must not cost the others their scenes.
    """
    ordered = sorted((run for run in runs if dataset in run.meta["datasets"]), key=lambda run: bool(run.origin))
    merged = Merged(dataset, [], _choose_metrics(ordered), {})
    data: dict[str, str] = {}
    for run in ordered:
        rows = list(_comparable(dataset, run, data, merged.notes))
        rows = _drop_other_scores(run, rows, ordered, merged)
        clusters = find_clusters(run, dataset, rows)
        known = {scene: unit for scene, unit in merged.clusters.items() if unit != UNKNOWN_UNIT}
        merged.clusters |= clusters | known  # what was measured here knows better
        for name in run.meta["renderers"]:
            mine = [row for row in rows if row["renderer"] == name]
            lacking = merged.first_scenes - {row["scene"] for row in mine}
            if mine and lacking:
                merged.notes.append(
                    f"Run {run.folder.name}: {name} is left out: it was not tried on {len(lacking)} of the scenes."
                )
            elif mine and not _is_shown(run, mine, merged):
                merged.entries.append(Entry(name, name, run, mine))
    _tell_apart(merged.entries)
    merged.clusters = join_unknown({row["scene"]: merged.clusters[row["scene"]] for row in merged.rows})
    return merged


def _tell_apart(entries: Sequence[Entry]) -> None:
    """Label renderers that several runs have with the run's name; no two labels are the same, whatever the names."""
    names = [entry.renderer for entry in entries]
    taken: set[str] = set()
    for entry in entries:
        suffix = f" ({entry.run.folder.name})"
        entry.label = entry.renderer + (suffix if names.count(entry.renderer) > 1 else "")
        while entry.label in taken:
            entry.label += suffix
        taken.add(entry.label)


def _choose_metrics(runs: Sequence[StoredRun]) -> dict[str, MetricRecord]:
    """Return the columns that any run has, each as the first run with it describes it."""
    found = ((name, run.meta["metrics"].get(name)) for name in METRICS for run in runs)
    metrics: dict[str, MetricRecord] = {}
    for name, metric in found:
        if metric is not None and metric["available"]:
            metrics.setdefault(name, metric)
    return metrics


def _comparable(dataset: str, run: StoredRun, data: dict[str, str], notes: list[str]) -> Iterator[Row]:
    """Yield the rows on the data that count; ``data`` are those of each scene, which the first picture of it sets.

    A row without a picture has no score that could be compared, and says nothing of data.
    """
    rows = [row for row in run.rows if row["dataset"] == dataset and row["perturbation"] == UNPERTURBED]
    check = run.meta["imported"]["data"].get(dataset) if "imported" in run.meta else None
    if check is not None and check["state"] == "other":
        notes.append(f"Run {run.folder.name} is left out, as it is not comparable: {check['note']}.")
        return
    if check is not None and check["state"] == "unknown":
        notes.append(f"Run {run.folder.name}: {check['note']}.")
    pictures = [row for row in rows if row["status"] == "ok"]
    others = [row for row in pictures if data.setdefault(row["scene"], row.get("data", "")) != row.get("data", "")]
    if others:
        scenes = list(dict.fromkeys(row["scene"] for row in others))
        notes.append(
            f"Run {run.folder.name}: {len(others)} cases are left out, as they are not comparable: other data of "
            f"{scenes[0]}" + (f" and {len(scenes) - 1} more." if scenes[1:] else ".")
        )
    yield from (row for row in rows if row not in others)


def _drop_other_scores(run: StoredRun, rows: list[Row], runs: Sequence[StoredRun], merged: Merged) -> list[Row]:
    """Return ``rows`` short of scores that are of another variant of a metric than the first run's."""
    for name, metric in merged.metrics.items():
        first = next(one for one in runs if name in one.meta["metrics"] and one.meta["metrics"][name]["available"])
        mine = run.meta["metrics"].get(name)
        if mine is None or first is run:
            continue
        (weights, code), (own_weights, own_code) = _made_with(first, name), _made_with(run, name)
        if mine["description"] != metric["description"] or weights != own_weights:
            merged.notes.append(f"Run {run.folder.name}: {name} is left out: another variant, or with other weights.")
            rows = [{**row, "metrics": {m: v for m, v in row["metrics"].items() if m != name}} for row in rows]
        elif code != own_code:
            merged.notes.append(f"Run {run.folder.name}: {name} was computed by another version of its code.")
    return rows


def _made_with(run: StoredRun, metric: str) -> tuple[str | None, dict[str, str]]:
    """Return digests of a metric's weights and code, as far as the run knows them."""
    digest = run.meta.get("scored_by", {}).get(metric, "")
    parts = dict(run.meta.get("contents", {}).get(digest, {}))
    return parts.pop("weights", None), parts


def _is_shown(run: StoredRun, rows: list[Row], merged: Merged) -> bool:
    """Whether rows that were measured here are, picture and scores, among those of a line that is there already."""
    alike = [entry for entry in merged.entries if entry.renderer == rows[0]["renderer"]]
    cases = _results(row for row in rows if row["status"] == "ok")
    return not run.origin and any(cases <= _results(entry.rows) for entry in alike)


def _results(rows: Iterable[Row]) -> set[tuple[Any, ...]]:
    return {(row["key"], row["image_sha256"], *map(row["metrics"].get, METRICS)) for row in rows}
