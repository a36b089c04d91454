"""Writes a stored run for a paper: python -m bokehbench.reports.paper RUN --output FOLDER.

One table over all data sets (table.tex, table.md, table.csv), the scores of every scene (scenes.csv), and a figure of
crops where renders differ most (crops.pdf, crops.png). Of a sweep one table for each axis and metric, scores at each
severity (robustness.tex, .md, .csv), and the scores of every scene there (robustness-scenes.csv).
"""

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from PIL import Image

from ..benchmarks.run.cases import UNPERTURBED
from ..benchmarks.run.schema import StoredScene
from ..benchmarks.run.store import StoredRun
from ..core.atomic_files import write_atomically
from ..core.commands import ends_in_one_line
from ..core.errors import InvalidOptionError
from ..core.files import is_intact, safe_name
from ..core.option_parser import OneLineParser
from .leaderboard import ELSEWHERE, add_from, find_run
from .parts.crop_figure import LabelledPicture, draw_crops
from .parts.figures import PNG_DPI
from .parts.numbers import write_score
from .parts.paper import (
    PaperTable,
    make_paper_table,
    write_paper_csv,
    write_paper_latex,
    write_paper_markdown,
    write_scene_csv,
)
from .parts.paper_robustness import (
    make_robustness_tables,
    write_robustness_csv,
    write_robustness_latex,
    write_robustness_markdown,
    write_robustness_scenes,
)
from .parts.places import Place, find_places

MODULE = "bokehbench.reports.paper"


@ends_in_one_line(MODULE, goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files that ``arguments``, or the command line, ask for; return the exit code."""
    given = _parse(arguments)
    run = StoredRun.open(find_run(given.run, given.folder).resolve(), ELSEWHERE)
    table = make_paper_table(run, given.renderers, given.metrics)
    written = {
        "table.tex": write_paper_latex(table, safe_name(run.folder.name)).encode(),
        "table.md": write_paper_markdown(table).encode(),
        "table.csv": write_paper_csv(table).encode(),
        "scenes.csv": write_scene_csv(run, table).encode(),
    }
    swept = make_robustness_tables(run, given.renderers, given.metrics)
    if swept:
        written |= {
            "robustness.tex": write_robustness_latex(swept, safe_name(run.folder.name)).encode(),
            "robustness.md": write_robustness_markdown(swept).encode(),
            "robustness.csv": write_robustness_csv(swept).encode(),
            "robustness-scenes.csv": write_robustness_scenes(swept).encode(),
        }
    found = _choose_scene(run, table, given.scene)
    if found is not None:
        written |= _draw(run, table, *found)
    for name, content in written.items():
        write_atomically(given.output / name, lambda file, content=content: file.write(content))
    print(f"{', '.join(written)}: {given.output}")
    if found is None:
        print("no figure of crops: the run came without pictures, or its renders do not differ", file=sys.stderr)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = OneLineParser(prog=f"python -m {MODULE}", description=__doc__, allow_abbrev=False)
    parser.add_argument("run", metavar="RUN", help="a run's name below DIR/results, or its folder")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="where the files go")
    add_from(parser)
    for option in ("renderers", "metrics"):
        parser.add_argument(
            f"--{option}", type=lambda names: names.split(","), default=[], metavar="NAME,...", help="these alone"
        )
    parser.add_argument("--scene", metavar="NAME", help="the scene of the figure; default: where renders differ most")
    return parser.parse_args(arguments)


def _choose_scene(run: StoredRun, table: PaperTable, name: str | None) -> tuple[StoredScene, list[Place]] | None:
    """Return the scene of the figure and its places; None where there are no pictures that differ."""
    datasets = {column.dataset for column in table.columns}
    scenes = [scene for scene in run.scenes if scene["dataset"] in datasets and name in (None, scene["scene"])]
    if name is not None and not scenes:
        raise InvalidOptionError(f"--scene {name}: expected a scene of {', '.join(sorted(datasets))} of this run")
    if not run.has_pictures:
        return None
    found = [(scene, _find_places(run, table, scene)) for scene in scenes]
    return max((one for one in found if one[1]), key=lambda one: one[1][0].difference, default=None)


def _find_places(run: StoredRun, table: PaperTable, scene: StoredScene) -> list[Place]:
    renders = [picture.path for picture in _renders(run, table, scene)]
    given, target = (_given(run, scene, name) for name in ("input.png", "target.png"))
    return find_places(renders, given, target, Image.open) if renders else []


def _renders(run: StoredRun, table: PaperTable, scene: StoredScene) -> list[LabelledPicture]:
    """Return the intact pictures of a scene in the order of the table, the first seed's, with the first score."""
    metric = table.columns[0].metric
    unit = table.columns[0].unit
    by_name = {
        row["renderer"]: row
        for row in reversed(run.rows)
        if (row["dataset"], row["scene"], row["perturbation"], row["status"])
        == (scene["dataset"], scene["scene"], UNPERTURBED, "ok")
    }
    pictures = []
    for name in (name for name in table.renderers if name in by_name):
        row = by_name[name]
        path = run.folder / str(row["image"])
        if is_intact(path, row["image_sha256"]):
            note = f"{write_score(row['metrics'].get(metric), unit)} {unit}".rstrip()
            pictures.append(LabelledPicture(name, note, path))
    return pictures


def _given(run: StoredRun, scene: StoredScene, name: str) -> Path | None:
    path = run.folder / scene["folder"] / name
    return path if is_intact(path, scene["files"].get(name)) else None


def _draw(run: StoredRun, table: PaperTable, scene: StoredScene, places: Sequence[Place]) -> dict[str, bytes]:
    pictures = _renders(run, table, scene)
    given, target = (_given(run, scene, name) for name in ("input.png", "target.png"))
    first = [LabelledPicture(name, "", path) for name, path in (("input", given), ("target", target)) if path]
    figure = draw_crops(given or target or pictures[0].path, [*first, *pictures], places)
    vector, pixels = io.BytesIO(), io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42}):
        figure.savefig(vector, format="pdf", metadata={"CreationDate": None})
    figure.savefig(pixels, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return {"crops.pdf": vector.getvalue(), "crops.png": pixels.getvalue()}


if __name__ == "__main__":
    sys.exit(main())
