"""run_bench.py's options: what there is, their defaults, and which contradict each other.

API: ``parse_options(arguments, output)``, then ``check_options`` before anything is computed. Imports nothing heavy:
--help and a typo are answered at once.
"""

import argparse
from pathlib import Path
from typing import NoReturn

from ..core.errors import InvalidOptionError

DEFAULT_RENDERERS = ("identity", "classical", "classical-occlusion", "bokehdiff")
SWEEP_RENDERERS = ("bokehdiff", "classical")
DEFAULT_DATASETS = ("synbokeh-mini", "motorcycle")
SWEEP_DATASETS = ("synbokeh-mini",)

EXAMPLES = """\
examples:
  python run_bench.py                                      the embedded data sets, then open reports/index.html
  python run_bench.py --renderers identity,classical --datasets synbokeh-mini --limit 3
  python run_bench.py --metrics psnr,lpips-alex --weights FOLDER
  python run_bench.py --run night --output /data/bokeh     results in /data/bokeh/results/night
  python run_bench.py --robustness                         how quality falls when the disparity is wrong
  python run_bench.py --robustness --perturbations erode,noise --severities 0,2,8
  python run_bench.py --compare before after               two stored runs: what changed, significantly or not
  python run_bench.py --latency                            how long each renderer takes, and where the time goes
  python run_bench.py --latency --sizes 512,1536x1024 --radii 8,32 --renderers classical
  python run_bench.py --check ebb --data-root DIR          what is there, missing or damaged in your copy
  python run_bench.py --datasets folder --data-root DIR    your own pictures, one folder per scene
  accelerate launch --multi_gpu --num_processes 4 run_bench.py --run night      four processes share the cases
  python run_bench.py --list                               everything that has a name

An interrupted command goes on where it stopped when it is given again. Exit code 0: every case is ok; 1: the report is
written, but cases failed or were skipped (named at the end); 2: the command cannot run (one line says why).
"""


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line; the whole usage is a --help away."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def parse_options(arguments: list[str], output: Path) -> argparse.Namespace:
    """Parse a command line; ends the process with one line and exit code 2 where it is wrong.

    ``output``: the folder that gets results/ and reports/ by default.
    """
    options = _build_parser(output).parse_args(_join_severities(arguments))
    options.renderers = options.renderers or list(SWEEP_RENDERERS if options.robustness else DEFAULT_RENDERERS)
    return options


def _build_parser(output: Path) -> argparse.ArgumentParser:
    """Describe every option."""
    parser = OneLineParser(
        prog="run_bench.py",
        description="Render scenes with bokeh renderers, score them against ground truth, write reports/index.html.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_what(parser)
    _add_where(parser, output)
    _add_sweep_and_speed(parser)
    _add_instead(parser)
    return parser


def _add_what(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what to run (comma-separated names; --list shows them)")
    what.add_argument(
        "--renderers",
        type=names,
        metavar="NAMES",
        help=f"default: {','.join(DEFAULT_RENDERERS)}; with --robustness: {','.join(SWEEP_RENDERERS)}",
    )
    what.add_argument("--datasets", type=names, metavar="NAMES", help=f"default: {','.join(DEFAULT_DATASETS)}")
    what.add_argument(
        "--metrics", type=names, default=None, metavar="NAMES", help="or 'all'; default: those that are quick on a CPU"
    )
    what.add_argument("--limit", type=positive, metavar="N", help="only the first N scenes of each data set")
    how = parser.add_argument_group("how")
    how.add_argument("--device", metavar="DEVICE", help="cpu, cuda or cuda:N; default: cuda where there is one")
    how.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), default="float32", help="for networks")
    how.add_argument("--seed", type=int, metavar="N", help="of renderers that draw random numbers; default: 0")


def _add_where(parser: argparse.ArgumentParser, output: Path) -> None:
    where = parser.add_argument_group("where")
    where.add_argument(
        "--output", type=Path, default=output, metavar="DIR", help="gets results/ and reports/; default: here"
    )
    where.add_argument(
        "--run", default="default", metavar="NAME", help="results/NAME keeps this run; default: %(default)s"
    )
    where.add_argument(
        "--reference", metavar="NAME", help="renderer that the report tests the others against; default: classical"
    )
    where.add_argument("--weights", type=Path, metavar="DIR", help="folder of metric weights (see README, Metrics)")
    where.add_argument(
        "--data-root",
        type=Path,
        metavar="DIR",
        help="your own copies of data sets, DIR/ebb and so on (see docs/datasets.md), and with --datasets folder your "
        "own scenes; default: $BOKEHBENCH_DATA, else data/ here where it exists",
    )


def _add_sweep_and_speed(parser: argparse.ArgumentParser) -> None:
    wrong = parser.add_argument_group("wrong disparity")
    wrong.add_argument(
        "--robustness",
        action="store_true",
        help=f"repeat every scored case with perturbed disparity; default data set: {','.join(SWEEP_DATASETS)}",
    )
    wrong.add_argument("--perturbations", type=names, metavar="NAMES", help="with --robustness; default: erode")
    wrong.add_argument(
        "--severities", type=numbers, metavar="NUMBERS", help="with --robustness; default: each one's own"
    )
    speed = parser.add_argument_group("speed (measure on an otherwise idle machine)")
    speed.add_argument(
        "--latency",
        action="store_true",
        help="measure time, stages and memory over sizes and blur radii instead of rendering the data sets",
    )
    speed.add_argument("--sizes", type=sizes, metavar="SIZES", help="with --latency: 512,768x512 (width x height) ...")
    speed.add_argument("--radii", type=radii, metavar="NUMBERS", help="with --latency: largest blur radii, px")


def _add_instead(parser: argparse.ArgumentParser) -> None:
    instead = parser.add_argument_group("instead of a plain run").add_mutually_exclusive_group()
    instead.add_argument("--fresh", action="store_true", help="forget what this run has stored and start over")
    instead.add_argument(
        "--report-only", action="store_true", help="write the report of what is stored, render nothing"
    )
    instead.add_argument(
        "--compare",
        nargs=2,
        metavar=("RUN_A", "RUN_B"),
        help="what changed from one stored run to another, and how surely",
    )
    instead.add_argument(
        "--check",
        type=names,
        metavar="NAMES",
        help="load every scene of these data sets and say what is there, missing or damaged; "
        "exit code 1: something in it is damaged or lacking, 2: a data set is absent",
    )
    instead.add_argument("--list", action="store_true", help="name every renderer, data set, metric and perturbation")


def names(text: str) -> list[str]:
    """Parse ``a,b,c``; repeated names count once."""
    found = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise argparse.ArgumentTypeError("expected at least one name")
    return found


def positive(text: str) -> int:
    """Parse a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got '{text}'")
    return int(text)


def numbers(text: str) -> list[float]:
    """Parse ``-4,0,2.5``."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected comma-separated numbers, got '{text}'") from None


def sizes(text: str) -> list[tuple[int, int]]:
    """Parse ``512,768x512`` into (height, width); one number is a square."""
    found = []
    for part in text.split(","):
        width, cross, height = part.strip().partition("x")
        found.append((positive(height if cross else width), positive(width)))
    return found


def radii(text: str) -> list[float]:
    """Parse ``8,32``, all above 0."""
    found = numbers(text)
    if not all(0 < radius < float("inf") for radius in found):
        raise argparse.ArgumentTypeError(f"expected numbers above 0, got '{text}'")
    return found


def _join_severities(arguments: list[str]) -> list[str]:
    """Write ``--severities -4,4`` as one word: argparse would take the list for an option."""
    joined = list(arguments)
    if "--severities" in joined[:-1]:
        place = joined.index("--severities")
        joined[place : place + 2] = [f"--severities={joined[place + 1]}"]
    return joined


def check_options(options: argparse.Namespace) -> None:
    """Refuse options that contradict each other and folders that are absent, before anything is computed."""
    for option, value in (("--perturbations", options.perturbations), ("--severities", options.severities)):
        if value is not None and not options.robustness:
            raise InvalidOptionError(f"{option} has a meaning only with --robustness")
    _check_latency_options(options)
    if options.weights is not None and not options.weights.is_dir():
        raise InvalidOptionError(f"--weights {options.weights}: no such folder")
    if options.data_root is not None and not options.data_root.is_dir():
        raise InvalidOptionError(f"--data-root {options.data_root}: no such folder")
    for folder in (options.output, options.output / "reports"):
        if folder.exists() and not folder.is_dir():
            raise InvalidOptionError(f"--output {options.output}: {folder} is a file, expected a folder")


def _check_latency_options(options: argparse.Namespace) -> None:
    """Refuse options that ``--latency`` lacks, or has no use for."""
    if not options.latency:
        for option, value in (("--sizes", options.sizes), ("--radii", options.radii)):
            if value is not None:
                raise InvalidOptionError(f"{option} has a meaning only with --latency")
        return
    if options.robustness or options.report_only:
        raise InvalidOptionError("--latency measures and nothing else: leave out --robustness and --report-only")
    for name in ("datasets", "metrics", "limit", "seed", "reference", "weights", "data_root"):
        if getattr(options, name) is not None:
            raise InvalidOptionError(f"--{name.replace('_', '-')} has no meaning with --latency: leave it out")
