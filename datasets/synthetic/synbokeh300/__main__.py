"""``python -m bokehbench.datasets.synthetic.synbokeh300``: generate the scenes with several processes, and check them.

Without options the scenes go to the cache, where benchmarks look for them, and are compared with the committed
manifest. An interrupted command goes on where it stopped.
"""

import argparse
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ....core.commands import ends_in_one_line
from ....core.errors import InvalidOptionError
from ....core.optics import array_to_display
from ....core.option_parser import OneLineParser
from ....core.progress import ProgressBar
from ..cache import cache_folder
from ..generated_scenes import generate_all, manifest_of, summarise_shards
from ..layers import LayeredScene, crop
from ..manifest import differences, read_manifest
from ..ray_tracer import trace
from ..recipes import SceneRecipe, compose
from ..sources import SceneSources, open_sources
from .data_card import write_card
from .dataset import SynBokeh300
from .recipes import COUNT, make_index, make_recipes, read_index, write_index

MANIFEST = Path(__file__).with_name("manifest.json")
CELLS_A_SIDE = 2
TRUTH_SAMPLES = 20_000
TRUTH_SIDE_PX = 192
REQUIRED_DB = 70.0


@ends_in_one_line(
    "error", "interrupted; finished scenes are kept: give the same command to go on", elsewhere="--output"
)
def main(arguments: list[str] | None = None) -> int:
    """Parse and run. Exit code 1: scenes differ or cannot be made; 2: one line says why the command cannot run."""
    options = _build_parser().parse_args(arguments)
    _check(options)
    sources = open_sources(options.photos, options.cutouts)
    problems = _check_truth(options.check_truth, sources) if options.check_truth else _generate(options, sources)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _build_parser() -> OneLineParser:
    parser = OneLineParser(prog="python -m bokehbench.datasets.synthetic.synbokeh300", description=__doc__)
    parser.add_argument("--output", type=Path, metavar="DIR", help="default: the cache, where benchmarks look")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="backgrounds of your own (needs --output)")
    parser.add_argument("--cutouts", type=Path, metavar="DIR", help="foregrounds of your own, RGBA (needs --output)")
    parser.add_argument("--workers", type=int, metavar="N", default=os.cpu_count() or 1, help="default: %(default)s")
    parser.add_argument("--limit", type=int, metavar="N", default=COUNT, help="only the first N scenes")
    parser.add_argument("--write-manifest", action="store_true", help=f"replace the committed {MANIFEST.name}")
    parser.add_argument(
        "--check-truth",
        type=int,
        metavar="N",
        help=f"instead: hold the middle of N scenes against {TRUTH_SAMPLES} rays and print how near they are, in dB",
    )
    return parser


def _check(options: argparse.Namespace) -> None:
    own = options.photos is not None or options.cutouts is not None
    if not (options.workers >= 1 and 1 <= options.limit <= COUNT and (options.check_truth or 1) >= 1):
        raise InvalidOptionError(f"expected --workers >= 1, --limit from 1 to {COUNT}, --check-truth >= 1")
    if own and options.output is None and not options.check_truth:
        raise InvalidOptionError("scenes from pictures of your own need a folder of their own: say --output DIR")
    if options.write_manifest and (own or options.limit != COUNT):
        raise InvalidOptionError("--write-manifest needs all scenes, from the packaged pictures")


def _generate(options: argparse.Namespace, sources: SceneSources) -> list[str]:
    """Generate what is missing and hold it against the manifest. Returns one line per problem."""
    index, recipes = make_index(sources), make_recipes(sources)
    folder = options.output or cache_folder(SynBokeh300.name, index["version"])
    write_index(folder, index)
    failures = generate_all(folder, recipes, options.limit, sources, options.workers)
    _write_card(folder)
    if failures:
        return failures
    print(f"{options.limit} scenes in {folder}")
    if index["files"]:
        return []
    found = describe_folder(folder, index["version"], recipes, options.limit)
    return write_manifest(found) if options.write_manifest else compare(found)


def describe_folder(folder: Path, version: str, recipes: list[SceneRecipe], count: int) -> dict[str, Any]:
    """Return the manifest of the first ``count`` scenes. Raises MissingDataError or DamagedDataError naming a file."""
    first = recipes[:count]
    summaries = summarise_shards(folder, [recipe.name for recipe in first], len(recipes), CELLS_A_SIDE)
    return manifest_of(version, first, summaries)


def write_manifest(found: dict[str, Any]) -> list[str]:
    """Replace the manifest, one line a scene."""
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in found["scenes"].items())
    text = f'{{"version": {json.dumps(found["version"])}, "scenes": {{\n{lines}\n}}}}\n'
    MANIFEST.write_text(text, encoding="utf-8")
    return []


def compare(found: dict[str, Any]) -> list[str]:
    """Return one line for each difference from the manifest, as far as ``found`` goes."""
    if not MANIFEST.is_file():
        print(f"no {MANIFEST.name} is there yet: nothing to compare with")
        return []
    expected = read_manifest(MANIFEST)
    expected["scenes"] = dict(list(expected["scenes"].items())[: len(found["scenes"])])
    return differences(expected, found)


def _write_card(folder: Path) -> None:
    index = read_index(folder)
    dataset = SynBokeh300()
    dataset.describe(index)
    own = {"--photos DIR": index["own_photographs"], "--cutouts DIR": index["own_cutouts"]}
    options = ["--output DIR", *(option for option, count in own.items() if count)]
    command = ["python -m bokehbench.datasets.synthetic.synbokeh300", *options]
    write_card(folder, len(dataset.recipes), dataset.version, dataset.protocol, dataset.terms, command)


def _check_truth(count: int, sources: SceneSources) -> list[str]:
    """Print how far ``count`` scenes, spread over the radii, are from many more rays. Returns what is too far."""
    by_radius = sorted(make_recipes(sources), key=lambda recipe: recipe.max_radius_px)
    chosen = [by_radius[int(place)] for place in np.linspace(0, len(by_radius) - 1, count)]
    problems = []
    for recipe in ProgressBar(chosen, desc="tracing the truth", unit="scene"):
        distance_db = _distance_from_truth(compose(recipe, sources))
        line = f"{recipe.name}: largest radius {recipe.max_radius_px:g} px, {distance_db:.1f} dB"
        ProgressBar.write(line)
        if distance_db < REQUIRED_DB:
            problems.append(f"{line}: expected {REQUIRED_DB:g}")
    return problems


def _distance_from_truth(scene: LayeredScene) -> float:
    """Return the PSNR in dB, display-encoded, between the traced middle of a scene and many more, unfiltered rays."""
    side = min(TRUTH_SIDE_PX, scene.height, scene.width)
    top, left = (scene.height - side) // 2, (scene.width - side) // 2
    found = array_to_display(trace(scene)[top : top + side, left : left + side])
    truth = array_to_display(trace(crop(scene, top, left, side, side), TRUTH_SAMPLES, prefilter=0.0))
    error = float(np.mean((found.astype(np.float64) - truth) ** 2))
    return -10.0 * math.log10(max(error, 1e-20))


if __name__ == "__main__":
    sys.exit(main())
