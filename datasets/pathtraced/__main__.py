"""``python -m bokehbench.datasets.pathtraced --output DIR``: render path-traced scenes with Mitsuba or Cycles."""

import math
import sys
from pathlib import Path

from ...core.commands import ends_in_one_line
from ...core.option_parser import OneLineParser
from .cycles import VARIABLE
from .generate import CYCLES, ENGINES, MITSUBA, Settings, generate
from .traced_scenes import KINDS


@ends_in_one_line(
    "error", "interrupted; finished scenes are kept: give the same command to go on", elsewhere="--output"
)
def main(arguments: list[str] | None = None) -> int:
    """Parse and run; return the exit code: 0, or 2 with one line where the command cannot run."""
    parser = OneLineParser(prog="python -m bokehbench.datasets.pathtraced", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="folder for the scene folders 100, 101, ...")
    parser.add_argument("--engine", choices=ENGINES, default=MITSUBA, help=f"what renders (default: {MITSUBA})")
    parser.add_argument(
        "--bpy-python", type=Path, metavar="PYTHON", help=f"for cycles: a Python that has bpy (default: ${VARIABLE})"
    )
    parser.add_argument("--scenes", type=int, default=len(KINDS), help="how many (default: one of each kind)")
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--height", type=int, default=288)
    parser.add_argument("--samples", type=int, default=1024, help="paths per pixel (default: 1024)")
    parser.add_argument("--radii", type=float, nargs="+", default=[16.0], help="largest blur radius of each level, px")
    options = parser.parse_args(arguments)
    counts = options.scenes, options.width, options.height, options.samples
    if min(counts) < 1 or not all(0.0 < radius < math.inf for radius in options.radii):
        parser.error("expected positive numbers")
    if options.bpy_python is not None and options.engine != CYCLES:
        parser.error(f"--bpy-python has a meaning only with --engine {CYCLES}")
    size = (options.width, options.height)
    settings = Settings(size, options.samples, options.radii, options.engine, options.bpy_python)
    generate(options.output, options.scenes, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
