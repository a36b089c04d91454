"""A data set in the report: its table of scores with tests, scatters, extremes, published numbers and pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...benchmarks.published.papers import read_papers
from ...benchmarks.run.schema import Row
from ...benchmarks.run.store import StoredRun
from ..files.assets import Assets
from ..files.export import Links, export_sheet
from .extremes import Extremes, show_extremes
from .figures import Plot, draw_scatter, save
from .gallery import Gallery, SceneView
from .guesses import GuessTable, build_guesses, guess_sheet
from .places import Place
from .published import Published
from .run_facts import find_apart
from .tables import ScoreTable, build_table, comparison_sheet, covers_everything, find_clusters, score_sheet
from .verdicts import write_verdict

UNSCORED = "there is no ground truth for these pictures. They are shown to be judged by eye."
UNSEEN = "there is no ground truth for these pictures, and the run came without them."


@dataclass(frozen=True)
class Section:
    """A data set in the report; ``verdict`` is its first sentence."""

    number: int
    name: str
    protocol: str
    terms: str
    scored: bool
    verdict: str
    unscored_because: str
    table: ScoreTable | None
    links: Links | None
    test_links: Links | None
    guesses: GuessTable | None
    guess_links: Links | None
    scatters: list[Plot]
    extremes: list[Extremes]
    published: list[Published]
    scenes: list[SceneView]

    @property
    def strip(self) -> tuple[SceneView, Place] | None:
        """The scene and the place in it where renders differ most; known once the pictures are made."""
        found = [(view, place) for view in self.scenes for place in view.places]
        return max(found, key=lambda one: one[1].difference, default=None)


def describe_sections(
    run: StoredRun, rows: Sequence[Row], gallery: Gallery, reference: str | None, styles: Mapping[str, int]
) -> list[Section]:
    """Describe every data set of the run by its unperturbed ``rows``; its figures and tables are written.

    ``reference`` is what renderers are tested against, ``styles`` numbers the renderers' looks.
    """
    return [
        _section(number, name, run, [row for row in rows if row["dataset"] == name], gallery, reference, styles)
        for number, name in enumerate(run.meta["datasets"], 1)
    ]


def _section(
    number: int,
    name: str,
    run: StoredRun,
    rows: Sequence[Row],
    gallery: Gallery,
    reference: str | None,
    styles: Mapping[str, int],
) -> Section:
    dataset = run.meta["datasets"][name]
    scored, assets = dataset["scored"], gallery.maker.assets
    table, guesses = None, None
    if scored:
        about, metrics = run.meta["renderers"], run.meta["metrics"]
        apart = find_apart(about)
        clusters = find_clusters(run, name, rows)
        table = build_table(rows, list(about), metrics, clusters, reference, apart)
        guesses = build_guesses(rows, apart, clusters)
    scenes = gallery.scenes(name)
    tested = comparison_sheet(table.tests, table.reference, name) if table and table.reference else None
    return Section(
        number=number,
        name=name,
        protocol=dataset["protocol"],
        terms=dataset["terms"],
        scored=scored,
        verdict=write_verdict(table, name) if table else "",
        unscored_because=UNSCORED if run.has_pictures else UNSEEN,
        table=table,
        links=export_sheet(assets, f"scores-{number}", score_sheet(table, name)) if table else None,
        test_links=export_sheet(assets, f"tests-{number}", tested) if tested else None,
        guesses=guesses,
        guess_links=export_sheet(assets, f"guesses-{number}", guess_sheet(guesses, name)) if guesses else None,
        scatters=_scatters(table, f"scatter-{number}", styles, assets) if table else [],
        extremes=show_extremes(table.measures[0], scenes) if table and table.measures and scenes else [],
        published=_find_published(run, name),
        scenes=scenes,
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


def _find_published(run: StoredRun, dataset: str) -> list[Published]:
    """Return what papers printed on the data set's protocol; nothing where the run took a part of the data set."""
    if not covers_everything(run):
        return []
    found = [(paper, paper.find_comparison(dataset)) for paper in read_papers()]
    return [Published.beside(run.meta["metrics"], paper, rows) for paper, rows in found if rows]
