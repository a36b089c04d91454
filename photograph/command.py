"""The console script ``bokehbench``: ``bokehbench blur PHOTO``. Imports nothing heavy before it is known what to do."""

import argparse
import math
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..core.commands import ends_in_one_line
from ..core.errors import InvalidOptionError
from ..core.launch import let_threads_sleep
from ..core.memory import keep_freed_memory
from ..core.optics import GAMMA
from ..core.option_parser import OneLineParser, Version, complete, offer_names

PROGRAM = "bokehbench"
LED = (
    ("model", "estimate"),
    ("depth_unit", "depth"),
    ("focal_length", "f_number"),
    ("focal_length_35mm", "f_number"),
)
"""Options, and those that they need."""

LEAST_UNIT_M, LARGEST_UNIT_M = 1e-9, 1e9
"""Of a map of depth: beyond them float32 holds no depths."""

EXAMPLES = """\
examples:
  bokehbench blur --example -o out.png                        the photograph with measured disparity that is installed
  bokehbench blur portrait.heic -o out.png                    by the map that the photograph carries
  bokehbench blur photo.jpg --disparity map.png --focus 0.4,0.6 --radius 24 -o out.png
  bokehbench blur photo.jpg --estimate                        by a map that a network guesses
  bokehbench blur photo.jpg --depth metres.exr --f-number 1.8 as the lens that took it would at f/1.8
  bokehbench blur night.jpg --disparity map.png --aperture hexagon --cat-eye 0.6 --highlights 8
  bokehbench blur --example --all -o sheet.png                every renderer beside the others
  bokehbench blur --example --pull -o pull.gif                the focus goes from far to near and back

The picture keeps size, bit depth, colour profile and EXIF; it is upright. docs/blur.md has more.
"""


@ends_in_one_line(
    f"{PROGRAM} blur", f"{PROGRAM} blur: interrupted; nothing is written", elsewhere="--output", goes_on=False
)
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 2, with one line, where it cannot be done."""
    begin = time.perf_counter()
    let_threads_sleep()
    keep_freed_memory()
    parser = build_parser()
    complete(parser)
    options = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    check_options(options)
    from .session import Session  # here: --help and mistakes need no PyTorch

    session = Session(options)
    start = time.perf_counter()
    for line in session.run():
        print(line, flush=True)  # what takes long is said before it begins
    loading, work = start - begin, time.perf_counter() - start
    print(f"{work:.1f} s to read, render and write, after {loading:.1f} s to load libraries and renderer")
    return 0


def build_parser() -> OneLineParser:
    """Describe the command line."""
    parser = OneLineParser(prog=PROGRAM, description="Blur photographs as a lens would.", allow_abbrev=False)
    parser.add_argument("--version", action=Version, nargs=0, help="say version and commit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    blur = commands.add_parser(
        "blur",
        help="blur one photograph",
        description="Blur one photograph where a lens would, by a map of its depth.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    blur.add_argument("photograph", nargs="?", type=Path, metavar="PHOTO", help="JPEG, HEIC, PNG, TIFF, WebP, EXR, ...")
    blur.add_argument("--example", action="store_true", help="in place of PHOTO: one that is installed, with its map")
    blur.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: PHOTO's name with -bokeh.png")
    _add_depth(blur.add_argument_group("depth; default: the map that PHOTO carries"))
    _add_focus(blur.add_argument_group("focus; default: the nearest subject in the middle of the picture"))
    _add_blur(blur.add_argument_group("blur; default: a largest radius of 1 % of the picture's diagonal"))
    _add_shape(blur.add_argument_group("what is out of focus, with --renderer classical"))
    _add_what(blur.add_argument_group("what to make"))
    return parser


def _add_depth(group: Any) -> None:
    one = group.add_mutually_exclusive_group()
    one.add_argument("--disparity", type=Path, metavar="FILE", help="a map, larger or brighter = nearer")
    one.add_argument("--depth", type=Path, metavar="FILE", help="a map of depth in metres")
    one.add_argument("--estimate", action="store_true", help="let a network guess the map (pip install '.[disparity]')")
    group.add_argument("--model", metavar="NAME", help="with --estimate: another model on the hub, or a folder")
    group.add_argument(
        "--depth-unit", type=float, metavar="M", help="with --depth: metres that a value of 1 stands for"
    )
    group.add_argument(
        "--depth-ray-fov", type=float, metavar="DEG", help="horizontal field of view, where depth is along the ray"
    )


def _add_focus(group: Any) -> None:
    one = group.add_mutually_exclusive_group()
    one.add_argument("--focus", type=_point, metavar="X,Y", help="a point: shares of width and height up to 1, else px")
    one.add_argument("--focus-disparity", type=float, metavar="D", help="in the map's own unit")
    one.add_argument("--focus-depth", type=float, metavar="M", help="metres, where the map has them")


def _add_blur(group: Any) -> None:
    one = group.add_mutually_exclusive_group()
    one.add_argument("--radius", type=float, metavar="PX", help="the largest blur radius in the picture")
    one.add_argument("--f-number", type=float, metavar="N", help="where the map is in metres and the camera is known")
    group.add_argument("--focal-length", type=float, metavar="MM", help="with --f-number, where EXIF does not say it")
    group.add_argument("--focal-length-35mm", type=float, metavar="MM", help="that of a full frame of the same view")
    group.add_argument(
        "--gamma", type=float, default=GAMMA, metavar="G", help="light = value ** G; default: %(default)s"
    )


def _add_shape(group: Any) -> None:
    group.add_argument(
        "--aperture", default="round", metavar="SHAPE", help="hexagon and the like, or a number of blades"
    )
    group.add_argument("--rotation", type=float, default=0.0, metavar="DEG", help="of the blades, anticlockwise")
    group.add_argument(
        "--cat-eye", type=float, default=0.0, metavar="SHARE", help="0 to 1: how far spots are cut towards the corners"
    )
    group.add_argument(
        "--highlights", type=float, default=1.0, metavar="TIMES", help="how much brighter than white its white was"
    )


def _add_what(group: Any) -> None:
    one = group.add_mutually_exclusive_group()
    renderer = one.add_argument("--renderer", metavar="NAME", help="a name of run_bench.py --list; default: classical")
    offer_names(renderer, _renderers)
    one.add_argument(
        "--all",
        action="store_true",
        help="a sheet of what every renderer makes of it, at 480 px; says who is left out, and why",
    )
    group.add_argument("--pull", action="store_true", help="a focus pull, to a .gif or .mp4")
    group.add_argument("--device", metavar="DEVICE", help="cpu or cuda; default: cuda where it can be used")


def _renderers() -> Iterable[str]:
    from ..renderers.registry import RENDERERS

    return RENDERERS.entries


def check_options(options: argparse.Namespace) -> None:
    """Refuse what contradicts itself. Raises InvalidOptionError."""
    if (options.photograph is None) != options.example:
        raise InvalidOptionError("expected either PHOTO or --example (see --help)")
    if options.example and (options.disparity or options.depth or options.estimate):
        raise InvalidOptionError("--example has its map: leave out --disparity, --depth and --estimate")
    for name, leader in LED:
        given = getattr(options, leader)
        if getattr(options, name) is not None and (given is None or given is False):
            raise InvalidOptionError(f"--{_dashed(name)} has a meaning only with --{_dashed(leader)}")
    if options.rotation != 0.0 and options.aperture == "round":
        raise InvalidOptionError("--rotation has a meaning only with --aperture")
    if options.pull and options.all:
        raise InvalidOptionError("--pull and --all: expected one of them")
    _check_numbers(options)
    if options.depth_ray_fov is not None and (options.example or options.disparity or options.estimate):
        raise InvalidOptionError("--depth-ray-fov has a meaning only with --depth, or with the map that PHOTO carries")


def _check_numbers(options: argparse.Namespace) -> None:
    if not 1.0 <= options.gamma <= 5.0:
        raise InvalidOptionError(f"--gamma: expected 1 to 5, got {options.gamma:g}")
    if options.depth_ray_fov is not None and not 0.0 < options.depth_ray_fov < 180.0:
        raise InvalidOptionError(f"--depth-ray-fov: expected degrees between 0 and 180, got {options.depth_ray_fov:g}")
    unit = options.depth_unit
    if unit is not None and not LEAST_UNIT_M <= unit <= LARGEST_UNIT_M:
        raise InvalidOptionError(f"--depth-unit: expected {LEAST_UNIT_M:g} to {LARGEST_UNIT_M:g} metres, got {unit:g}")
    for name in ("focal_length", "focal_length_35mm"):
        value = getattr(options, name)
        if value is not None and not 0.0 < value < math.inf:
            raise InvalidOptionError(f"--{_dashed(name)}: expected mm above 0, got {value:g}")


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _point(text: str) -> tuple[float, float]:
    try:
        x, y = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected X,Y, got '{text}'") from None
    return x, y


if __name__ == "__main__":
    sys.exit(main())
