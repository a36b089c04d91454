"""The report of a run: pages with their files in a folder beside them, readable from a disk without any network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from ...benchmarks.latency.session import read_latency
from ...benchmarks.published.tables import METRICS, SOURCE, PublishedRow, published_for
from ...benchmarks.run.cases import UNPERTURBED
from ...benchmarks.run.store import StoredRun
from ...core.errors import InvalidOptionError
from ..files.assets import TEMPLATES, Assets, writing
from ..files.export import Links, export_sheet
from ..parts.extremes import Extremes, show_extremes
from ..parts.figures import Plot, draw_scatter, save
from ..parts.gallery import Gallery, SceneView, Stack
from ..parts.numbers import write_count, write_seconds
from ..parts.pictures import DISPARITY_COLOURS, ERROR_COLOURS, ERROR_SCALE, PictureMaker, colour_ramp
from ..parts.problems import find_problems
from ..parts.tables import (
    ScoreTable,
    build_table,
    comparison_sheet,
    covers_everything,
    describe_weights,
    find_clusters,
    score_sheet,
)
from .ablations import describe_ablations
from .latency import describe_latency
from .robustness import describe_robustness

USUAL_REFERENCE = "classical"
"""What renderers are tested against where the user names nothing else and it is in the run; else the first renderer."""

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
    table: ScoreTable | None
    links: Links | None
    test_links: Links | None
    scatters: list[Plot]
    extremes: list[Extremes]
    published: list[PublishedRow]
    scenes: list[SceneView]
    stacks: list[Stack]


def write_report(run: StoredRun, reports_dir: Path, reference: str | None = None) -> Path:
    """Write ``reports_dir/index.html``, the pages it leads to, and ``reports_dir/assets/``; return index.html's path.

    ``reference`` is the renderer that the others are tested against. Files that are there and up to date are kept,
    those of an earlier report that are no longer needed are removed. Each page appears at once, index.html last.
    Raises MissingDataError for a stored picture that cannot be read, InvalidOptionError for a reference that is not in
    the run or a folder that cannot be written.
    """
    chosen = choose_reference(run, reference)
    with writing(reports_dir) as assets:
        maker = PictureMaker(assets)
        pages = _describe(run, maker, chosen)
        maker.make()
        assets.copy_parts()
        for name, context in pages.items():
            assets.write(name, render_page(name, context))
        assets.remove_stale()
    return reports_dir / "index.html"


def render_page(template: str, context: Mapping[str, Any]) -> str:
    """Fill a template; everything is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(context)


def choose_reference(run: StoredRun, wanted: str | None) -> str | None:
    """Return the renderer that the others are tested against. Raises InvalidOptionError where it is not in the run."""
    names = list(run.meta["renderers"])
    if wanted is None:
        return USUAL_REFERENCE if USUAL_REFERENCE in names else next(iter(names), None)
    if wanted not in names:
        raise InvalidOptionError(f"--reference '{wanted}': expected a renderer of this run: {', '.join(names)}")
    return wanted


def _describe(run: StoredRun, maker: PictureMaker, reference: str | None) -> dict[str, dict[str, Any]]:
    """Return the context of every page, index.html last."""
    rows = [row for row in run.rows if row["perturbation"] == UNPERTURBED]
    gallery = Gallery(run, rows, maker)
    styles = {name: number for number, name in enumerate([*run.meta["renderers"], *_sweep(run, "renderers")])}
    sections = [
        _section(number, name, run, rows, gallery, reference, styles)
        for number, name in enumerate(run.meta["datasets"], 1)
    ]
    renderers = [_renderer(name, about, rows) for name, about in run.meta["renderers"].items()]
    robustness = describe_robustness(run, maker, reference, styles)
    ablations = describe_ablations(run, rows, maker.assets)
    measured = read_latency(run.folder)
    latency = describe_latency(measured, maker.assets, styles) if measured else None
    pages = {"index.html": "Results", "gallery.html": "Gallery"}
    pages |= {"robustness.html": "Robustness"} if robustness else {}
    pages |= {"ablations.html": "Ablations"} if ablations else {}
    pages |= {"latency.html": "Latency"} if latency else {}
    shared = {
        "run": _summary(run, rows),
        "pages": pages,
        "sections": sections,
        "renderers": renderers,
        "numbers": {renderer["name"]: number for number, renderer in enumerate(renderers, 1)},
        "colours": {
            "disparity": colour_ramp(DISPARITY_COLOURS),
            "error": colour_ramp(ERROR_COLOURS),
            "error_scale": ERROR_SCALE,
        },
    }
    index = {
        "metrics": [{"name": name, **metric} for name, metric in run.meta["metrics"].items()],
        "environments": _environments(run),
        "problems": find_problems(run.meta, run.rows, gallery.damaged),
        "published": {"source": SOURCE, "metrics": METRICS},
    }
    extra: dict[str, Any] = {
        "gallery.html": {},
        "robustness.html": robustness,
        "ablations.html": ablations,
        "latency.html": latency,
        "index.html": index,
    }
    return {name: shared | extra[name] | {"page": name} for name in [*list(pages)[1:], "index.html"]}


def _sweep(run: StoredRun, what: str) -> dict[str, Any]:
    """Return the sweep's own renderers, which may be others than the benchmark's."""
    return {
        name: about for name, about in run.meta.get("sweep", {}).get(what, {}).items() if name not in run.meta[what]
    }


def _section(
    number: int,
    name: str,
    run: StoredRun,
    rows: Iterable[dict[str, Any]],
    gallery: Gallery,
    reference: str | None,
    styles: Mapping[str, int],
) -> Section:
    dataset = run.meta["datasets"][name]
    mine = [row for row in rows if row["dataset"] == name]
    scored, assets = dataset["scored"], gallery.maker.assets
    table = None
    if scored:
        renderers, metrics = list(run.meta["renderers"]), run.meta["metrics"]
        table = build_table(mine, renderers, metrics, find_clusters(run, name, mine), reference)
    scenes = gallery.scenes(name) if scored else []
    tested = comparison_sheet(table.tests, table.reference, name) if table and table.reference else None
    return Section(
        number=number,
        name=name,
        protocol=dataset["protocol"],
        terms=dataset["terms"],
        scored=scored,
        unscored_because=UNSCORED,
        table=table,
        links=export_sheet(assets, f"scores-{number}", score_sheet(table, name)) if table else None,
        test_links=export_sheet(assets, f"tests-{number}", tested) if tested else None,
        scatters=_scatters(table, f"scatter-{number}", styles, assets) if table else [],
        extremes=show_extremes(table.measures[0], scenes) if table and table.measures else [],
        published=published_for(name) if covers_everything(run) else [],
        scenes=scenes,
        stacks=[] if scored else gallery.stacks(name),
    )


def _scatters(table: ScoreTable, name: str, styles: Mapping[str, int], assets: Assets) -> list[Plot]:
    """Draw every renderer against the reference on every measure, scene by scene."""
    plots = []
    for measure in table.measures if table.reference else ():
        for renderer in (r for r in measure.values.columns[measure.values.notna().any()] if r != table.reference):
            unit = f" ({measure.unit})" if measure.unit else ""
            better = "\N{UPWARDS ARROW} higher" if measure.higher_is_better else "\N{DOWNWARDS ARROW} lower"
            labels = {
                "x": f"{table.reference}{unit}",
                "y": f"{renderer}{unit}",
                "title": f"{measure.name}, {better} is better",
            }
            figure = draw_scatter(measure.values, table.reference or "", renderer, labels, styles[renderer])
            alt = f"Scatter of {measure.name} scene by scene, {renderer} against {table.reference}"
            plots.append(save(assets, f"{name}-{measure.name}-{styles[renderer]}", figure, alt, with_png=False))
    return plots


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
        "took": _duration(meta),
    }
    return {
        "name": meta["run"],
        "command": meta["command"],
        "sentence": (
            f"{write_count(len(meta['renderers']), 'renderer')} on {write_count(scenes, 'scene')} of "
            f"{write_count(len(meta['datasets']), 'data set')}; {finished} of "
            f"{write_count(len(meta['cases']), 'case')} finished."
        ),
        "facts": [(name, value) for name, value in facts.items() if value is not None],
    }


def _duration(meta: Mapping[str, Any]) -> str:
    starts = meta.get("starts", 1)
    took = write_seconds(meta["seconds"]) if meta["finished"] else "not finished"
    return took if starts == 1 else f"{took} (the last of {starts} starts)"


def _renderer(name: str, about: Mapping[str, Any], rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    used = describe_weights(row for row in rows if row["renderer"] == name)
    return {
        "name": name,
        "summary": about["summary"],
        "weights": used
        or about["weights"]
        or ("missing" if about.get("needs_weights") else "none: nothing was trained"),
        "training": about.get("training"),
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
