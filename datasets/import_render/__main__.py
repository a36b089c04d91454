"""``python -m bokehbench.datasets.import_render FOLDER ... --output DIR``: other renderers' ground truth as scenes.

FOLDER holds a pinhole picture, its depth, a picture through the lens (OpenEXR) and camera.json; docs/ground_truth.md
says what is in it and has scripts that write such folders. DIR becomes a data root of the data set ``folder``.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from ...core.commands import ends_in_one_line
from ...core.errors import InvalidOptionError
from ...core.option_parser import OneLineParser
from .convert import import_render, scene_name


@ends_in_one_line("error", "interrupted; finished scenes are kept", elsewhere="--output", goes_on=False)
def main(arguments: Sequence[str] | None = None) -> int:
    """Import each folder; return the exit code: 0, or 2 with one line where one cannot be imported."""
    parser = OneLineParser(
        prog="python -m bokehbench.datasets.import_render",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="a render; the scene gets its name")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where the scene folders go")
    options = parser.parse_args(arguments)
    _refuse_namesakes(options.folders)
    names = []
    for source in options.folders:
        scene = import_render(source, options.output)
        names.append(scene.folder.name)
        for doubt in scene.doubts:
            print(f"warning: {source}: {doubt}", file=sys.stderr)
        print(
            f"{scene.folder}: {scene.renderer}, {scene.blur_strength:.5g} px per unit of 1/z, radii of up to "
            f"{scene.largest_radius_px:.3g} px"
        )
    chosen = shlex.join(["--data-root", str(options.output), "--scenes", *names])
    print(f"Hold it against the lens pictures:  python -m bokehbench.benchmarks.check_blur_strength {chosen}")
    return 0


def _refuse_namesakes(folders: Sequence[Path]) -> None:
    """Raise InvalidOptionError where two folders would become one scene."""
    sources: dict[str, Path] = {}
    for source in folders:
        other = sources.setdefault(scene_name(source), source)
        if other is not source:
            raise InvalidOptionError(
                f"{other}, {source}: both would become the scene {scene_name(source)}: rename one of the folders"
            )


if __name__ == "__main__":
    sys.exit(main())
