"""The report: one page with its pictures in a folder beside it, readable from a disk without any network."""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from ..benchmarks.cases import UNPERTURBED
from ..benchmarks.files import write_atomically, write_json
from ..benchmarks.store import StoredRun
from .gallery import Gallery, SceneView, Stack
from .numbers import write_count, write_seconds
from .pictures import DISPARITY_COLOURS, ERROR_COLOURS, ERROR_SCALE, PictureMaker, colour_ramp
from .problems import find_problems
from .tables import ScoreTable, build_table, describe_weights

TEMPLATES = Path(__file__).resolve().parent / "templates"
PAGE_PARTS = (".css", ".js", ".svg")
"""Files among the templates that are copied to the page's assets as they are."""

LEDGER = "assets/made-by-bokehbench.json"
"""Lists the assets of the last report, so that the next one removes what it no longer shows, and nothing else."""

UNSCORED = "there is no ground truth for these pictures. They are shown to be judged by eye."


@dataclass(frozen=True)
class Section:
    """A data set in the report."""

    number: int
    name: str
    protocol: str
    terms: str
    scored: bool
    unscored_because: str
    failure: str | None
    table: ScoreTable | None
    scenes: list[SceneView]
    stacks: list[Stack]


def write_report(run: StoredRun, reports_dir: Path) -> Path:
    """Write ``reports_dir/index.html`` and ``reports_dir/assets/``; return the page's path.

    Pictures that are there and up to date are kept, those of an earlier report that are no longer shown are removed.
    The page appears at once, after all that it refers to. Raises MissingDataError for a stored picture that cannot be
    read.
    """
    maker = PictureMaker(reports_dir)
    context = _describe(run, maker)
    maker.make()
    parts = _copy_parts(reports_dir)
    page = reports_dir / "index.html"
    text = _templates().get_template("index.html").render(context)
    write_atomically(page, lambda file: file.write(text.encode("utf-8")))
    _remove_stale(reports_dir, maker.files | parts)
    return page


def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _describe(run: StoredRun, maker: PictureMaker) -> dict[str, Any]:
    """Return all that the templates show."""
    rows = [row for row in run.rows if row["perturbation"] == UNPERTURBED]
    gallery = Gallery(run, rows, maker)
    sections = [_section(number, name, run, rows, gallery) for number, name in enumerate(run.meta["datasets"], 1)]
    renderers = [_renderer(name, about, rows) for name, about in run.meta["renderers"].items()]
    return {
        "run": _summary(run, rows),
        "sections": sections,
        "renderers": renderers,
        "numbers": {renderer["name"]: number for number, renderer in enumerate(renderers, 1)},
        "metrics": [{"name": name, **metric} for name, metric in run.meta["metrics"].items()],
        "environments": _environments(run),
        "problems": find_problems(run, gallery.damaged),
        "colours": {
            "disparity": colour_ramp(DISPARITY_COLOURS),
            "error": colour_ramp(ERROR_COLOURS),
            "error_scale": ERROR_SCALE,
        },
    }


def _section(number: int, name: str, run: StoredRun, rows: Iterable[dict[str, Any]], gallery: Gallery) -> Section:
    dataset = run.meta["datasets"][name]
    mine = [row for row in rows if row["dataset"] == name]
    failed = dataset.get("status", "ok") != "ok"
    scored = dataset["scored"]
    clusters = {row["scene"]: row["scene"] for row in mine}
    clusters |= {scene["scene"]: scene["cluster"] for scene in run.scenes if scene["dataset"] == name}
    return Section(
        number=number,
        name=name,
        protocol=dataset["protocol"],
        terms=dataset["terms"],
        scored=scored,
        unscored_because=UNSCORED,
        failure=(dataset.get("reason") or "no reason was stored") if failed else None,
        table=build_table(mine, list(run.meta["renderers"]), run.meta["metrics"], clusters) if scored else None,
        scenes=gallery.scenes(name) if scored else [],
        stacks=[] if scored else gallery.stacks(name),
    )


def _summary(run: StoredRun, rows: list[dict[str, Any]]) -> dict[str, Any]:
    meta, settings = run.meta, run.meta["settings"]
    scenes = len({(row["dataset"], row["scene"]) for row in rows})
    finished = sum(row["status"] == "ok" for row in run.rows)
    environment = _latest_environment(run)
    facts = {
        "device": settings["device"],
        "processor": environment.get("processor"),
        "GPU": environment.get("gpu") or "none",
        "number type": settings["dtype"],
        "seed": settings["seed"],
        "scene limit": settings["limit"] or "none",
        "commit": (environment.get("commit") or "not from a checkout").replace("+", " + "),
        "Python": environment.get("python"),
        "PyTorch": environment.get("packages", {}).get("torch"),
        "started": meta["started"][:16].replace("T", " ") + " UTC",
        "took": write_seconds(meta["seconds"]) if meta["finished"] else "not finished",
    }
    return {
        "name": meta["run"],
        "command": meta["command"],
        "sentence": (
            f"{write_count(len(meta['renderers']), 'renderer')} on {write_count(scenes, 'scene')} of "
            f"{write_count(len(meta['datasets']), 'data set')}; {finished} of "
            f"{write_count(len(meta['plan']), 'case')} finished."
        ),
        "facts": [(name, value) for name, value in facts.items() if value is not None],
    }


def _renderer(name: str, about: Mapping[str, Any], rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    used = describe_weights(row for row in rows if row["renderer"] == name)
    return {
        "name": name,
        "summary": about["summary"],
        "weights": used or about["weights"] or "none: nothing was trained",
        "capabilities": {key.replace("_", " "): _plain(value) for key, value in about["capabilities"].items()},
    }


def _latest_environment(run: StoredRun) -> dict[str, Any]:
    identifiers = [row["environment"] for row in run.rows] or list(run.meta["environments"])
    return run.meta["environments"].get(identifiers[-1], {}) if identifiers else {}


def _environments(run: StoredRun) -> list[dict[str, Any]]:
    """Describe every environment that made a row, with the number of its cases."""
    described = []
    for identifier, record in run.meta["environments"].items():
        cases = sum(row["environment"] == identifier for row in run.rows)
        if cases:
            facts = [(key.replace("_", " "), _plain(value)) for key, value in record.items() if key != "packages"]
            packages = [(key, version or "not installed") for key, version in record.get("packages", {}).items()]
            described.append({"cases": write_count(cases, "case"), "facts": facts, "packages": packages})
    return described


def _plain(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _copy_parts(reports_dir: Path) -> set[str]:
    copied = set()
    for source in sorted(TEMPLATES.iterdir()):
        if source.suffix in PAGE_PARTS:
            name = f"assets/{source.name}"
            with source.open("rb") as part:
                write_atomically(reports_dir / name, lambda file, part=part: shutil.copyfileobj(part, file))
            copied.add(name)
    return copied


def _remove_stale(reports_dir: Path, wanted: set[str]) -> None:
    """Remove the last report's assets that this one does not show. Files that no report made are left alone."""
    assets = (reports_dir / "assets").resolve()
    ledger = reports_dir / LEDGER
    earlier = set(json.loads(ledger.read_text(encoding="utf-8"))) if ledger.exists() else set()
    write_json(ledger, sorted(wanted))
    for name in sorted(earlier - wanted):
        path = (reports_dir / name).resolve()
        if path.is_relative_to(assets) and path.is_file():
            path.unlink()
            _remove_empty_folders(path.parent, assets)


def _remove_empty_folders(folder: Path, assets: Path) -> None:
    while folder != assets and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
