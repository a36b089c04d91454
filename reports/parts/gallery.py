"""What the gallery shows: every scene with its pictures and scores, those of one focal stack one after another."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...benchmarks.run.schema import Row, StoredScene
from ...benchmarks.run.store import StoredRun
from ...core.files import safe_name
from .numbers import ABSENT, write_score, write_seconds
from .pictures import Picture, PictureMaker
from .places import Place

SAME_DEPTH_SHARE = 1e-3
"""Of the map's range: a focus that lies beyond an end by less is that end, rounded."""

ROUNDING = 1e-6
"""Of float32, in which maps are kept."""


@dataclass(frozen=True)
class Score:
    """One metric of one picture, as text; ``note``: why there is no value, ``best``: no other render has a better."""

    metric: str
    text: str
    unit: str
    note: str | None
    value: float | None = None
    best: bool = False


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
    """One scene. ``anchor`` is its address on the gallery's page; ``places`` are crops worth a look, known once the
    pictures are made; ``focus`` is where the focus lies between the farthest (0) and the nearest (1) disparity, None
    where it lies outside; ``focus_note`` says so in words.
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
    places: list[Place]
    input: Picture | None
    disparity: Picture | None
    target: Picture | None
    renders: list[Render]


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
        """Return the views of one data set, none of a run that came without pictures: in the order of the plan, those
        of one cluster without truth, a focal stack, together and from the farthest focus to the nearest.
        """
        scenes = self.run.scenes if self.run.has_pictures else ()
        views = [self.view(scene) for scene in scenes if scene["dataset"] == dataset]
        if self.run.meta["datasets"][dataset]["scored"]:
            return views
        first = {view.cluster: number for number, view in reversed(list(enumerate(views)))}
        return sorted(views, key=lambda view: (first[view.cluster], view.focus_disparity))

    def view(self, scene: StoredScene) -> SceneView:
        """Return the view of one scene, an entry of the run's ``scenes``."""
        dataset, name = scene["dataset"], scene["scene"]
        files = ("input.png", "disparity.png", "target.png")
        given, disparity, target = (self._scene_picture(scene, file) for file in files)
        rows = self._rows[dataset, name]
        renders = [self.render(row, target) for row in rows]
        shown = [self._path(row) for row, render in zip(rows, renders, strict=True) if render.picture]
        focus, focus_note = place_focus(scene["focus_disparity"], *scene["disparity_range"])
        return SceneView(
            name=name,
            anchor=f"{safe_name(dataset)}/{safe_name(name)}",
            cluster=scene["cluster"],
            width=scene["width"],
            height=scene["height"],
            blur_radius=f"{scene['max_radius_px']:.1f}",
            focus=focus,
            focus_note=focus_note,
            focus_disparity=scene["focus_disparity"],
            places=self.maker.places(shown, given, target, (dataset, name)) if shown else [],
            input=self.maker.photograph(given, (dataset, name, "input")) if given else None,
            disparity=self.maker.disparity(disparity, (dataset, name, "disparity")) if disparity else None,
            target=self.maker.photograph(target, (dataset, name, "target")) if target else None,
            renders=self._mark_best(renders),
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
        source = self._path(row)
        problem = self.maker.find_fault(source, row["image_sha256"])
        if problem is None:
            return source, None
        self.damaged.append((row, f"the picture {problem}"))
        return None, f"the picture {problem}"

    def _path(self, row: Row) -> Path:
        return self.run.folder / str(row["image"])

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
                scores.append(Score(name, write_score(value, metric["unit"]), metric["unit"], None, value))
            elif metric["available"]:
                scores.append(Score(name, ABSENT, "", row["notes"].get(name, "no value was stored")))
        return scores

    def _mark_best(self, renders: Sequence[Render]) -> list[Render]:
        """Mark the best score of each metric where renders can be compared."""
        marked = list(renders)
        for name, metric in self.run.meta["metrics"].items():
            values = [s.value for render in marked for s in render.scores if s.metric == name and s.value is not None]
            best = (max if metric["higher_is_better"] else min)(values) if len(values) > 1 else None
            marked = [
                replace(render, scores=[replace(s, best=s.best or (s.metric == name and s.value == best is not None))
                                        for s in render.scores])
                for render in marked
            ]  # fmt: skip
        return marked


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
