"""Embedded data sets held against their committed manifests: the command behind ``python -m``."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ...core.option_parser import OneLineParser
from ...core.progress import ProgressBar
from ...core.scene import Scene
from .cache import decode_row
from .generated_scenes import GeneratedScenes, generate_row, manifest_of
from .manifest import differences, read_manifest, summarise


def describe(dataset: type[GeneratedScenes], scenes: Iterable[Scene]) -> dict[str, Any]:
    """Return the manifest of all scenes, in order: the hash of each one's parameters and its coarse statistics."""
    return manifest_of(dataset.version, dataset.recipes, map(summarise, scenes))


def hold_against_manifest(
    dataset: type[GeneratedScenes], manifest: Path, module: str, arguments: Sequence[str] | None
) -> int:
    """Generate the scenes afresh and compare them with the manifest, or replace it. Returns 1 where they differ.

    ``module``: what is run as ``python -m``.
    """
    parser = OneLineParser(
        prog=f"python -m {module}",
        description="Generate the scenes afresh and compare them with the manifest, or replace it. Exit code 1 where"
        " they differ.",
    )
    parser.add_argument("--write-manifest", action="store_true", help=f"replace {manifest.name}")
    options = parser.parse_args(arguments)
    bar = ProgressBar(dataset.recipes, desc=dataset.name, unit="scene")
    found = describe(dataset, (decode_row(generate_row(recipe), manifest) for recipe in bar))
    if options.write_manifest:
        manifest.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return 0
    problems = differences(read_manifest(manifest), found)
    for problem in problems:
        print(problem)
    if not problems:
        print(f"{len(dataset.recipes)} scenes agree with {manifest.name}")
    return 1 if problems else 0
