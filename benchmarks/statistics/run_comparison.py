"""Two stored runs: which scores changed, significantly or not, and what was different about the runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ..run.cases import UNPERTURBED
from ..run.reuse import changed_parts
from ..run.schema import MetricRecord, Row
from ..run.store import UNKNOWN_UNIT, StoredRun
from .sign_flips import smallest_p_value
from .significance import SIGNIFICANCE_LEVEL, PairedTest, compare_to_reference, correct, holm

Indexed = dict[tuple[Any, ...], Row]

TIME: MetricRecord = {
    "unit": "s",
    "higher_is_better": False,
    "description": "seconds of one render",
    "available": True,
    "reason": None,
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """One renderer's mean on one data set in both runs, over the scenes that both have; ``test`` is B against A.

    ``units`` are the independent ones of these scenes, 0 where that is unknown; ``can_decide``: whether they are enough
    for the corrected test to find a difference. ``differing``: how many scenes score otherwise, where changes may
    cancel in the mean.
    """

    dataset: str
    renderer: str
    measure: str
    unit: str
    scenes: int
    first: float
    second: float
    test: PairedTest
    units: int
    differing: int
    can_decide: bool = True


@dataclass(frozen=True, kw_only=True)
class RunComparison:
    """What changed from run ``first`` to run ``second``.

    ``settings`` lists (what, first, second) where the runs were made differently; ``alone`` what only one run has;
    ``pictures`` how many pictures are the same to the bit, of how many compared, by data set and renderer.
    """

    first: str
    second: str
    changes: list[Change]
    settings: list[tuple[str, str, str]]
    alone: list[str]
    pictures: dict[tuple[str, str], tuple[int, int]]

    @property
    def warnings(self) -> list[str]:
        """Where there is no verdict: records of scenes are lost, or those that differ are too few independent ones."""
        unknown = ", ".join(dict.fromkeys(change.dataset for change in self.changes if not change.units))
        few = sorted({change.units for change in self.changes if change.differing and not change.can_decide} - {0})
        lines = []
        if unknown:
            lines.append(
                "which scenes are independent is unknown, as records of scenes are lost or damaged: no interval and no "
                f"verdict is given where they are ({unknown})"
            )
        if few:
            units = " or ".join(map(str, few))
            lines.append(
                f"too few independent scenes ({units}): corrected for all {len(self.changes)} lines, the sign-flip "
                "test cannot find any difference at 5 %"
            )
        return lines


def compare_runs(first: StoredRun, second: StoredRun) -> RunComparison:
    """Compare the unperturbed cases of two runs, scene by scene. Holm's correction is over every line together."""
    runs = (first, second)
    indexed = [_index(run) for run in runs]
    shared = list(dict.fromkeys((r["dataset"], r["renderer"]) for r in indexed[0].values()))
    shared = [pair for pair in shared if any((r["dataset"], r["renderer"]) == pair for r in indexed[1].values())]
    found = [run.find_units(run.rows) for run in runs]
    clusters = {place: unit for units in found for place, unit in units.items() if unit != UNKNOWN_UNIT}
    changes = [
        change
        for dataset, renderer in shared
        for change in _compare_renderer(runs, indexed, dataset, renderer, clusters)
    ]
    corrected = correct([change.test for change in changes])
    decidable = _find_decidable([change.units for change in changes])
    return RunComparison(
        first=first.folder.name,
        second=second.folder.name,
        changes=[
            replace(change, test=test, can_decide=can)
            for change, test, can in zip(changes, corrected, decidable, strict=True)
        ],
        settings=_differences(_describe(first), _describe(second)) + _differing_contents(first, second, indexed),
        alone=_find_alone(first, second) + _find_unfinished(runs, indexed),
        pictures={pair: _count_same(indexed, pair) for pair in shared},
    )


def _find_decidable(units: list[int]) -> list[bool]:
    """Return which lines could be significant, whatever the scores: Holm's p-values never fall where others rise."""
    return [p < SIGNIFICANCE_LEVEL for p in holm([smallest_p_value(count) for count in units])]


def _index(run: StoredRun) -> Indexed:
    """Return finished unperturbed rows by what makes them comparable: weights and devices may differ."""
    return {
        (row["dataset"], row["renderer"], row["scene"], row["seed"]): row
        for row in run.rows
        if row["status"] == "ok" and row["perturbation"] == UNPERTURBED
    }


def _compare_renderer(
    runs: tuple[StoredRun, StoredRun],
    indexed: list[Indexed],
    dataset: str,
    renderer: str,
    clusters: Mapping[tuple[str, str], str],
) -> list[Change]:
    metrics = {name: metric for name, metric in runs[0].meta["metrics"].items() if name in runs[1].meta["metrics"]} | {
        "time": TIME
    }
    changes = []
    for name, metric in metrics.items():
        columns = [
            {key[2:]: _value(row, name) for key, row in rows.items() if key[:2] == (dataset, renderer)}
            for rows in indexed
        ]
        scores = pd.DataFrame({n: pd.Series(column, dtype=float) for n, column in zip("ab", columns, strict=True)})
        units = {key: clusters.get((dataset, key[0]), UNKNOWN_UNIT) for key in scores.index}
        both = scores.dropna()
        known = UNKNOWN_UNIT not in {units[key] for key in both.index}
        units = units if known else dict.fromkeys(units, UNKNOWN_UNIT)
        compared = compare_to_reference(scores, units, metric["higher_is_better"], "a")
        if compared and compared.tests:
            means = both.mean()
            changes.append(
                Change(
                    dataset=dataset, renderer=renderer, measure=name, unit=metric["unit"], scenes=len(both),
                    first=float(means["a"]), second=float(means["b"]), test=compared.tests[0],
                    units=compared.pairs.units if known else 0, differing=int((both["a"] != both["b"]).sum()),
                )
            )  # fmt: skip
    return changes


def _value(row: Row, measure: str) -> float | None:
    return row["seconds"] if measure == "time" else row["metrics"].get(measure)


def _count_same(indexed: list[Indexed], pair: tuple[str, str]) -> tuple[int, int]:
    common = [key for key in indexed[0] if key[:2] == pair and key in indexed[1]]
    same = sum(indexed[0][key]["image_sha256"] == indexed[1][key]["image_sha256"] for key in common)
    return same, len(common)


def _describe(run: StoredRun) -> dict[str, str]:
    """Return everything that may explain a change, as text."""
    meta = run.meta
    facts = {"origin": run.origin or "measured here", "command": meta["command"], "started": meta["started"]}
    facts |= {name: _text(meta["settings"].get(name)) for name in ("device", "dtype", "seed", "limit")}
    used = list(dict.fromkeys(row["environment"] for row in run.rows))
    environments: list[Mapping[str, Any]] = [meta["environments"][e] for e in used if e in meta["environments"]]
    for name in ("commit", "python", "platform", "processor", "cores", "threads", "gpu"):
        facts[name] = ", ".join(dict.fromkeys(_text(environment.get(name)) for environment in environments))
    packages = [environment["packages"] for environment in environments]
    for name in dict.fromkeys(name for versions in packages for name in versions):
        facts[name] = ", ".join(dict.fromkeys(_text(versions.get(name)) for versions in packages))
    facts |= {f"weights of {name}": _text(about["weights"]) for name, about in meta["renderers"].items()}
    return facts | {f"version of {name}": about["version"] for name, about in meta["datasets"].items()}


def _text(value: object) -> str:
    return "none" if value is None else str(value)


def _differences(first: Mapping[str, str], second: Mapping[str, str]) -> list[tuple[str, str, str]]:
    return [(name, first[name], second[name]) for name in first if name in second and first[name] != second[name]]


def _differing_contents(first: StoredRun, second: StoredRun, indexed: list[Indexed]) -> list[tuple[str, str, str]]:
    """Return the code and the data in which two runs differ, by their digests; what changed in them stands beside."""
    contents = first.meta.get("contents", {}) | second.meta.get("contents", {})
    found = []
    used = [_list_code(run.rows) for run in (first, second)]
    for what in used[0].keys() & used[1].keys():
        before, after = (sorted(codes[what]) for codes in used)
        if before != after:
            changed = changed_parts(before[-1], after[-1], contents)
            found.append((f"code of {what} ({changed})", ", ".join(before), ", ".join(after)))
    scenes = {(k[0], k[2]): (indexed[0][k], indexed[1][k]) for k in indexed[0].keys() & indexed[1].keys()}
    for (dataset, scene), rows in scenes.items():
        one, other = (row.get("data", "unknown") for row in rows)
        if one != other:
            changed = changed_parts(one, other, contents)
            found.append((f"data of {dataset}/{scene} ({changed})", one, other))
    return sorted(found)


def _list_code(rows: Iterable[Row]) -> dict[str, set[str]]:
    """Return the digests of code that made rows, by what it is the code of."""
    codes: dict[str, set[str]] = {}
    for row in rows:
        for kind, code in row.get("code", {}).items():
            codes.setdefault(str(row.get(kind)), set()).add(code)
        for metric, code in row.get("scored_by", {}).items():
            codes.setdefault(metric, set()).add(code)
    return codes


def _find_unfinished(runs: tuple[StoredRun, StoredRun], indexed: list[Indexed]) -> list[str]:
    """Return a line for what only one run finished of the data sets and renderers that both name."""
    missing: dict[tuple[str, str, str], int] = {}
    for mine in (0, 1):
        run, other, rows, others = runs[mine], runs[1 - mine], indexed[mine], indexed[1 - mine]
        for dataset, renderer, *_ in rows.keys() - others.keys():
            if dataset in other.meta["datasets"] and renderer in other.meta["renderers"]:
                place = (dataset, renderer, run.folder.name)
                missing[place] = missing.get(place, 0) + 1
    return [
        f"{renderer} on {dataset}: {count} {'case' if count == 1 else 'cases'} finished in {run} alone"
        for (dataset, renderer, run), count in sorted(missing.items())
    ]


def _find_alone(first: StoredRun, second: StoredRun) -> list[str]:
    found = []
    for kind in ("renderers", "datasets", "metrics"):
        called = "data sets" if kind == "datasets" else kind
        for run, other in ((first, second), (second, first)):
            names = [name for name in run.meta[kind] if name not in other.meta[kind]]
            if names:
                found.append(f"{called} only in {run.folder.name}: {', '.join(names)}")
    return found
