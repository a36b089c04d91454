"""What the gallery shows: every scene with its pictures and scores, unscored data sets as focal stacks."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...benchmarks.run.schema import Row, StoredScene
from ...benchmarks.run.store import StoredRun
from .numbers import ABSENT, write_score, write_seconds
from .pictures import Picture, PictureMaker

SAME_DEPTH_SHARE = 1e-3
"""Of the map's range: a focus that lies beyond an end by less is that end, rounded."""

ROUNDING = 1e-6
"""Of float32, in which maps are kept."""


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
    (0) and the nearest (1) disparity, None where it lies outside; ``focus_note`` says so in words.
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
    renders: list[Render]


@dataclass(frozen=True)
class Stack:
    """Scenes of one cluster, which differ in where the lens is focused."""

    name: str
    anchor: str
    scenes: list[SceneView]


class Gallery:
    """Builds scene views and asks ``maker`` for their pictures.

    Of several seeds the first is shown. A stored picture that is missing, or differs from the one that was rendered or
    scored, is not shown: ``damaged`` collects the renders among them, (row, what is wrong), ``lost`` the others in one
    line each.
    """

    def __init__(self, run: StoredRun, rows: Sequence[Row], maker: PictureMaker):
        self.run = run
        self.maker = maker
        self.damaged: list[tuple[Row, str]] = []
        self.lost: list[str] = []
        self._rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
        first_seeds = {(row["dataset"], row["scene"], row["renderer"]): row["seed"] for row in reversed(rows)}
        for row in rows:
            if row["seed"] == first_seeds[row["dataset"], row["scene"], row["renderer"]]:
                self._rows[row["dataset"], row["scene"]].append(row)

    def scenes(self, dataset: str) -> list[SceneView]:
        """Return the views of one data set in the order of the plan; none of a run that came without pictures."""
        scenes = self.run.scenes if self.run.has_pictures else ()
        return [self.view(scene) for scene in scenes if scene["dataset"] == dataset]

    def stacks(self, dataset: str) -> list[Stack]:
        """Return the views grouped by cluster, each from the farthest focus to the nearest."""
        groups: dict[str, list[SceneView]] = defaultdict(list)
        for view in self.scenes(dataset):
            groups[view.cluster].append(view)
        return [
            Stack(name, views[0].anchor, sorted(views, key=lambda view: view.focus_disparity))
            for name, views in groups.items()
        ]

    def view(self, scene: StoredScene) -> SceneView:
        """Return the view of one scene, an entry of the run's ``scenes``."""
        dataset, name = scene["dataset"], scene["scene"]
        files = ("input.png", "disparity.png", "target.png")
        given, disparity, target = (self._scene_picture(scene, file) for file in files)
        height, width = scene["height"], scene["width"]
        focus, focus_note = place_focus(scene["focus_disparity"], *scene["disparity_range"])
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
            input=self.maker.photograph(given, (dataset, name, "input")) if given else None,
            disparity=self.maker.disparity(disparity, (dataset, name, "disparity")) if disparity else None,
            target=self.maker.photograph(target, (dataset, name, "target")) if target else None,
            renders=[self.render(row, target) for row in self._rows[dataset, name]],
        )

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
        source = self.run.folder / str(row["image"])
        problem = self.maker.find_fault(source, row["image_sha256"])
        if problem is None:
            return source, None
        self.damaged.append((row, f"the picture {problem}"))
        return None, f"the picture {problem}"

    def _scene_picture(self, scene: StoredScene, name: str) -> Path | None:
        """Return where a picture of a scene lies; None where there should be none, or it is not what was written."""
        files = scene["files"]
        source = self.run.folder / scene["folder"] / name
        if name not in files and (files or (name == "target.png" and not source.exists())):
            return None
        return self.intact(source, files.get(name))

    def intact(self, source: Path, sha256: str | None) -> Path | None:
        """Return ``source`` if it is the picture that was stored, else None and note what is wrong."""
        problem = self.maker.find_fault(source, sha256)
        if problem is None:
            return source
        line = f"{source.relative_to(self.run.folder).as_posix()} {problem}"
        if line not in self.lost:
            self.lost.append(line)
        return None

    def _scores(self, row: Row) -> list[Score]:
        """Return the metrics that could be computed in this run, in order; without a value the note says why."""
        scores = []
        for name, metric in self.run.meta["metrics"].items():
            value = row["metrics"].get(name)
            if value is not None:
                scores.append(Score(name, write_score(value, metric["unit"]), metric["unit"], None))
            elif metric["available"]:
                scores.append(Score(name, ABSENT, "", row["notes"].get(name, "no value was stored")))
        return scores


def place_focus(focus: float, low: float, high: float) -> tuple[float | None, str]:
    """Return where the focus lies between the farthest (0) and the nearest (1), None where outside, and say it."""
    end = max(SAME_DEPTH_SHARE * (high - low), ROUNDING * abs(focus))
    if focus < low - end:
        return None, "focus behind everything"
    if focus > high + end:
        return None, "focus in front of everything"
    if low == high:
        return None, "one depth, in focus"
    return min(max((focus - low) / (high - low), 0.0), 1.0), "focus at the mark"
