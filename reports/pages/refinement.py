"""The refinement page: what ``refine`` changed of wrong disparity maps, where it was right and where it was not."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...benchmarks.run.scene_record import scene_folder
from ...benchmarks.run.schema import Row, StoredScene
from ...benchmarks.run.store import StoredRun
from ...renderers.registry import RENDERERS, stages_of
from ...renderers.stages.interface import SceneStage
from ...renderers.stages.registry import take_apart
from ...robustness.curves import severity_on_axis
from ...robustness.perturbations.interface import Perturbation
from ...robustness.perturbations.registry import PERTURBATIONS, load_perturbation
from ...robustness.repairs import Repair, StoredMap, average, blur_range_px, judge_stored
from ..files.export import Links, Sheet, export_sheet
from ..parts.gallery import Gallery, SceneView
from ..parts.numbers import ABSENT, write_count, write_severity
from ..parts.pictures import DISPARITY_COLOURS, ERROR_COLOURS, Picture, PictureMaker
from ..parts.severity_axis import write_signs

STAGE = "refine"

COLUMNS = {
    "wrong": "wrong before",
    "left": "wrong after",
    "repaired": "wrong pixels repaired",
    "spoilt": "right pixels spoilt",
}
"""Shares of the table, in the order of its columns."""

NOTHING = "0.0"

FULL_SCALE = 0.5
"""Difference of disparity, in the range of the true map, that gets the brightest colour."""


@dataclass(frozen=True)
class Step:
    """One severity of a scene: the map as given and corrected, and how far each is off."""

    severity: str
    pictures: dict[str, Picture]
    text: str


@dataclass(frozen=True)
class Case:
    """A scene along the axis; ``why`` it was chosen."""

    view: SceneView
    why: str
    steps: list[Step]


@dataclass(frozen=True)
class RepairTable:
    """One perturbation of one data set: for each severity the shares as text, means over scenes.

    ``absent`` says why severities that were swept are not among the lines; empty where all are.
    """

    number: int
    dataset: str
    perturbation: str
    unit: str
    signs: str
    scenes: str
    lines: list[tuple[str, list[str]]]
    absent: str
    links: Links
    cases: list[Case]


Found = dict[float, dict[str, tuple[StoredMap, Repair]]]
"""By severity and scene; maps themselves are corrected again for the few that are shown."""


def describe_refinement(run: StoredRun, maker: PictureMaker) -> dict[str, Any] | None:
    """Return the page's context; None where no swept renderer has the stage, or the pictures are not here."""
    sweep = run.meta.get("sweep")
    refined = [name for name in sweep["renderers"] if STAGE in stages_of(name)] if sweep else []
    if not refined or not run.has_pictures:
        return None
    alike = [name for name in refined if refines_what_is_given(name)]
    writer = RepairWriter(run, maker, alike)
    known = [name for name, about in sweep["datasets"].items() if about["scored"] and about["true_disparity"]]
    swept = dict.fromkeys(name for name, severity in sweep["settings"]["perturbations"] if severity)
    pairs = [(dataset, name) for dataset in known for name in swept if name in PERTURBATIONS.entries]
    tables = [writer.describe(number, *pair) for number, pair in enumerate(pairs, 1)]
    return {
        "tables": [one for one in tables if one],
        "right": writer.right,
        "columns": COLUMNS,
        "full_scale": FULL_SCALE,
        "alike": alike,
        "otherwise": [name for name in refined if name not in alike],
    }


def refines_what_is_given(name: str) -> bool:
    """Whether a renderer refines the map and picture that were given: no other stage changes them before."""
    taken = take_apart(name, RENDERERS.entries)
    while taken is not None and taken.name != STAGE:
        if issubclass(taken.stage.load(), SceneStage):
            return False
        taken = take_apart(taken.renderer, RENDERERS.entries)
    return taken is not None


class RepairWriter:
    """Corrects the maps that renderers with the stage were given, and says what became of them.

    ``renderers`` have the stage before any other: a map and its picture are corrected to the same, whoever renders.
    """

    def __init__(self, run: StoredRun, maker: PictureMaker, renderers: Sequence[str]):
        self.run = run
        self.maker = maker
        self.renderers = renderers
        self.gallery = Gallery(run, [], maker)
        self.right: list[str] = []
        """Perturbations, each with its data set, along which no map is wrong, before or after: they have no table."""

    def describe(self, number: int, dataset: str, name: str) -> RepairTable | None:
        """Return what the page shows of a perturbation on a data set; None where no map is stored, or none is wrong."""
        perturbation = load_perturbation(name)
        rows = self._find_rows(dataset, perturbation)
        found = self._repair(dataset, perturbation, rows)
        if len(found) < 2:
            return None
        means = {severity: average([repair for _, repair in maps.values()]) for severity, maps in found.items()}
        if all(_write_share(share) == NOTHING for mean in means.values() for share in (mean.wrong, mean.left)):
            self.right.append(f"{name} on {dataset}")
            return None
        signed = min(rows) < perturbation.neutral
        lines = [(write_severity(severity, signed), _write_shares(mean)) for severity, mean in means.items()]
        sheet = Sheet(
            caption=f"Maps corrected along {name} ({perturbation.unit}) on {dataset}: shares, means over scenes",
            head=["severity", *COLUMNS],
            values=[[severity, *(getattr(mean, one) for one in COLUMNS)] for severity, mean in means.items()],
            printed_head=["Severity", *COLUMNS.values()],
            printed=[[severity, *cells] for severity, cells in lines],
        )
        return RepairTable(
            number=number,
            dataset=dataset,
            perturbation=name,
            unit=perturbation.unit,
            signs=write_signs(perturbation),
            scenes=write_count(max(map(len, found.values())), "scene"),
            lines=lines,
            absent=_explain_absent(rows, found, _choose_severities(rows, perturbation), signed),
            links=export_sheet(self.maker.assets, f"refinement-{number}", sheet),
            cases=list(self._cases(found, dataset, signed, perturbation)),
        )

    def _find_rows(self, dataset: str, perturbation: Perturbation) -> dict[float, list[Row]]:
        """Return the finished rows of renderers with the stage by severity, the lowest first."""
        rows = [row for row in self.run.sweep if row["dataset"] == dataset and row["renderer"] in self.renderers]
        by_severity: dict[float, list[Row]] = {}
        for row in rows:
            if row["status"] == "ok" and row["perturbation"] in (perturbation.name, "none"):
                by_severity.setdefault(severity_on_axis(row, perturbation.neutral), []).append(row)
        return dict(sorted(by_severity.items()))

    def _repair(self, dataset: str, perturbation: Perturbation, rows: Mapping[float, list[Row]]) -> Found:
        """Correct the maps at the severities that are shown."""
        scenes = {scene["scene"]: scene for scene in self.run.scenes if scene["dataset"] == dataset}
        found: Found = {}
        for severity in _choose_severities(rows, perturbation):
            maps = found.setdefault(severity, {})
            for row in (row for row in rows[severity] if row["scene"] in scenes):
                sources = None if row["scene"] in maps else self._sources(row, scenes[row["scene"]])
                if sources:
                    stored = StoredMap(*sources, blur_range_px(scenes[row["scene"]]))
                    maps[row["scene"]] = stored, judge_stored(stored)
        return {severity: maps for severity, maps in found.items() if maps}

    def _sources(self, row: Row, scene: StoredScene) -> list[Path] | None:
        """Return the files of the picture, the given and the true map; None where one is not as it was stored."""
        folder = scene_folder(self.run.folder, row["dataset"], row["scene"])

        def find(field: str, otherwise: str) -> Path | None:
            path, digest = row[field], row[f"{field}_sha256"]  # type: ignore[literal-required]
            if path is None:
                return self.gallery.intact(folder / otherwise, scene["files"].get(otherwise))
            return self.gallery.intact(self.run.folder / path, digest)

        true = self.gallery.intact(folder / "disparity.png", scene["files"].get("disparity.png"))
        files = [find("input", "input.png"), find("disparity", "disparity.png"), true]
        return [file for file in files if file] if all(files) else None

    def _cases(self, found: Found, dataset: str, signed: bool, perturbation: Perturbation) -> Iterator[Case]:
        """Show the scenes of which most and least is repaired, and the median one."""
        shares: dict[str, list[float]] = {}
        for severity, maps in found.items():
            for scene, (_, repair) in maps.items():
                if severity != perturbation.neutral and repair.repaired is not None:
                    shares.setdefault(scene, []).append(repair.repaired)
        ranked = sorted(shares, key=lambda scene: float(np.mean(shares[scene])))
        whys = {len(ranked) - 1: "most is repaired", (len(ranked) - 1) // 2: "the median scene", 0: "least is repaired"}
        views = {scene["scene"]: scene for scene in self.run.scenes if scene["dataset"] == dataset}
        for place, why in whys.items():
            if 0 <= place < len(ranked):
                name = ranked[place]
                steps = [
                    self._step(severity, maps[name][0], dataset, name, signed, perturbation)
                    for severity, maps in found.items()
                    if name in maps
                ]
                yield Case(self.gallery.view(views[name]), why, steps)

    def _step(
        self, severity: float, stored: StoredMap, dataset: str, scene: str, signed: bool,
        perturbation: Perturbation,
    ) -> Step:  # fmt: skip
        maps = stored.correct()
        off = {f"{what}, off by": np.abs(values - maps.true) / FULL_SCALE
               for what, values in (("given", maps.given), ("refined", maps.corrected))}  # fmt: skip
        shown = {"given": maps.given, "refined": maps.corrected, "true": maps.true}
        pictures = {
            what: self.maker.values(
                values.astype(np.float32),
                DISPARITY_COLOURS if what in shown else ERROR_COLOURS,
                (dataset, scene, f"refine-{what}-{perturbation.name}{severity:g}"),
            )
            for what, values in (shown | off).items()
        }
        text = ", ".join(
            f"{head}: {cell}" for head, cell in zip(COLUMNS.values(), _write_shares(maps.repair), strict=True)
        )
        return Step(write_severity(severity, signed), pictures, text)


def _choose_severities(rows: Collection[float], perturbation: Perturbation) -> list[float]:
    """Return the neutral severity and those that drops are read at, of the swept ones; else the ends."""
    if not rows:  # each render failed or was skipped
        return []
    swept = set(rows)
    return sorted((set(perturbation.marks) & swept or {min(swept), max(swept)}) | ({perturbation.neutral} & swept))


def _explain_absent(swept: Iterable[float], found: Collection[float], chosen: Collection[float], signed: bool) -> str:
    """Say of the severities that were swept, and have no line, why."""
    left_out = [write_severity(severity, signed) for severity in swept if severity not in chosen]
    lost = [write_severity(severity, signed) for severity in chosen if severity not in found]
    texts = []
    if left_out:
        texts.append(f"Shown are the severities at which drops are read; swept, and not shown: {', '.join(left_out)}.")
    if lost:
        texts.append(f"Without a line, as no map is stored intact with its scene: {', '.join(lost)}.")
    return " ".join(texts)


def _write_shares(repair: Repair) -> list[str]:
    return [_write_share(getattr(repair, name)) for name in COLUMNS]


def _write_share(share: float | None) -> str:
    return ABSENT if share is None else f"{100.0 * share:.1f}"
