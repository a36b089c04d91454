"""What the gallery shows: every scene with its pictures and scores, unscored data sets as focal stacks."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...benchmarks.run.store import StoredRun
from .numbers import ABSENT, write_score, write_seconds
from .pictures import Picture, PictureMaker
from .problems import LostPicture, name_case

Row = dict[str, Any]


@dataclass(frozen=True)
class Score:
    """One metric of one picture, as text; ``note`` says why there is no value."""

    metric: str
    text: str
    unit: str
    note: str | None


@dataclass(frozen=True)
class Render:
    """What a renderer made of a scene: a picture with scores, or the reason why there is none."""

    renderer: str
    picture: Picture | None
    error_map: Picture | None
    scores: list[Score]
    seconds: str
    problem: str | None


@dataclass(frozen=True)
class SceneView:
    """One scene. ``edges`` are crop centres as (x, y) fractions; ``focus`` is where the focus lies between the farthest
    (0) and the nearest (1) disparity, None where it lies outside; ``focus_note`` says so in words. ``lost`` says what
    is wrong with a stored picture, by ``input``, ``disparity`` and ``target``, where it cannot be shown.
    """

    name: str
    anchor: str
    cluster: str
    width: int
    height: int
    blur_radius: str
    focus: float | None
    focus_note: str
    focus_disparity: float
    edges: list[tuple[float, float]]
    input: Picture | None
    disparity: Picture | None
    target: Picture | None
    lost: dict[str, str]
    renders: list[Render]


@dataclass(frozen=True)
class Stack:
    """Scenes from one place, which differ in where the lens is focused."""

    name: str
    anchor: str
    scenes: list[SceneView]


class Gallery:
    """Builds scene views and asks ``maker`` for their pictures.

    Of several seeds the first is shown. ``lost`` collects stored pictures that are missing or differ from those that
    were scored.
    """

    def __init__(self, run: StoredRun, rows: Sequence[Row], maker: PictureMaker):
        self.run = run
        self.maker = maker
        self.lost: list[LostPicture] = []
        self._rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
        first_seeds = {(row["dataset"], row["scene"], row["renderer"]): row["seed"] for row in reversed(rows)}
        for row in rows:
            if row["seed"] == first_seeds[row["dataset"], row["scene"], row["renderer"]]:
                self._rows[row["dataset"], row["scene"]].append(row)

    def scenes(self, dataset: str) -> list[SceneView]:
        """Return the views of one data set in the order of the plan."""
        return [self.view(scene) for scene in self.run.scenes if scene["dataset"] == dataset]

    def stacks(self, dataset: str) -> list[Stack]:
        """Return the views grouped by cluster, each from the farthest focus to the nearest."""
        groups: dict[str, list[SceneView]] = defaultdict(list)
        for view in self.scenes(dataset):
            groups[view.cluster].append(view)
        return [
            Stack(name, views[0].anchor, sorted(views, key=lambda view: view.focus_disparity))
            for name, views in groups.items()
        ]

    def view(self, scene: Mapping[str, Any]) -> SceneView:
        """Return the view of one scene, an entry of the run's ``scenes``."""
        dataset, name = scene["dataset"], scene["scene"]
        given, lost = self._find_given(scene)
        height, width = scene["height"], scene["width"]

        def shown(what: str, make: Callable[[Path, Sequence[str]], Picture]) -> Picture | None:
            return make(given[what], (dataset, name, what)) if what in given else None

        focus, focus_note = _place_focus(scene["focus_disparity"], *scene["disparity_range"])
        return SceneView(
            name=name,
            anchor=f"scene-{self.run.scenes.index(scene) + 1}",
            cluster=scene["cluster"],
            width=width,
            height=height,
            blur_radius=f"{scene['max_radius_px']:.1f}",
            focus=focus,
            focus_note=focus_note,
            focus_disparity=scene["focus_disparity"],
            edges=[((column + 0.5) / width, (row + 0.5) / height) for row, column in scene["edges"]],
            input=shown("input", self.maker.photograph),
            disparity=shown("disparity", self.maker.disparity),
            target=shown("target", self.maker.photograph),
            lost=lost,
            renders=[self.render(row, given.get("target")) for row in self._rows[dataset, name]],
        )

    def _find_given(self, scene: Mapping[str, Any]) -> tuple[dict[str, Path], dict[str, str]]:
        """Return the stored pictures of a scene that can be shown, and what is wrong with the others."""
        recorded: Mapping[str, str] = scene.get("files") or {}
        given, lost = {}, {}
        for what in ("input", "disparity", "target"):
            path = self.run.folder / scene["folder"] / f"{what}.png"
            if what == "target" and path.name not in recorded and not path.exists():
                continue  # there is no truth
            problem = self.maker.find_problem(path, recorded.get(path.name))
            if problem:
                lost[what] = problem
                self.lost.append(LostPicture(f"the {what}", f"{scene['dataset']} / {scene['scene']}", problem))
            else:
                given[what] = path
        return given, lost

    def render(self, row: Row, target: Path | None = None) -> Render:
        """Return what a case made: its picture unless something is wrong with it, an error map where there is truth."""
        source, problem = self._stored_picture(row)
        severity = f"{row['perturbation']}{row['severity']:g}" if row["severity"] else ""
        place = row["dataset"], row["scene"], f"{row['renderer']}{severity}"
        picture = error_map = None
        if source:
            picture = self.maker.photograph(source, place)
        if source and target:
            error_map = self.maker.error_map(source, target, (*place[:2], f"{place[2]}-error"))
        return Render(
            renderer=row["renderer"],
            picture=picture,
            error_map=error_map,
            scores=self._scores(row) if row["status"] == "ok" and row["metrics"] else [],
            seconds=write_seconds(row["seconds"]),
            problem=problem,
        )

    def _stored_picture(self, row: Row) -> tuple[Path | None, str | None]:
        """Return the picture that was scored, or why it cannot be shown."""
        if row["status"] != "ok":
            return None, f"{row['status']}: {row['reason']}"
        source = self.run.folder / row["image"]
        problem = self.maker.find_problem(source, row["image_sha256"])
        if problem is None:
            return source, None
        self.lost.append(LostPicture(row["renderer"], name_case(row), problem))
        return None, problem

    def _scores(self, row: Row) -> list[Score]:
        """Return the metrics that could be computed in this run, in order; without a value the note says why."""
        scores = []
        for name, metric in self.run.meta["metrics"].items():
            value = row["metrics"].get(name)
            if value is not None:
                scores.append(Score(name, write_score(value, metric["unit"]), metric["unit"], None))
            elif metric["available"]:
                scores.append(Score(name, ABSENT, "", row.get("notes", {}).get(name, "no value was stored")))
        return scores


def _place_focus(focus: float, low: float, high: float) -> tuple[float | None, str]:
    if focus < low:
        return None, "focus behind everything"
    if focus > high:
        return None, "focus in front of everything"
    if low == high:
        return None, "one depth, in focus"
    return (focus - low) / (high - low), "focus at the mark"
