"""run_bench.py's options: the parser of a ``RunRequest``, the defaults that depend on each other, and contradictions.

Imports nothing heavy: --help and a mistake are answered at once.
"""

import argparse
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from ..core.errors import InvalidOptionError
from ..core.option_parser import OneLineParser, Version, complete, offer_names
from ..core.text import printable
from ..datasets.files.data_root import default_data_root
from .request import INSTEAD, SWEEP_DATASETS, SWEEP_RENDERERS, RunRequest

EXAMPLES = """\
examples:
  python run_bench.py                                      the embedded data sets, then open reports/index.html
  python run_bench.py --renderers identity,classical --datasets synbokeh-mini --limit 3
  python run_bench.py --metrics psnr,lpips-alex --weights FOLDER
  python run_bench.py --run night --output /data/bokeh     results in /data/bokeh/results/night
  python run_bench.py --robustness                         how quality falls when the disparity is wrong
  python run_bench.py --robustness --perturbations erode,noise --severities 0,2,8
  python run_bench.py --robustness --perturbations zoom    when the picture is a digital zoom's, 1 to 8 times
  python run_bench.py --compare before after               two stored runs: what changed, significantly or not
  python run_bench.py --latency                            how long each renderer takes, and where the time goes
  python run_bench.py --latency --sizes 512,1536x1024 --radii 8,32 --renderers classical
  python run_bench.py --check ebb --data-root DIR          what is there, missing or damaged in your copy
  python run_bench.py --run night --export FILE.zip        the stored run as one file, for somebody else
  python run_bench.py --import FILE.zip                    their run beside yours, marked as imported
  python run_bench.py --datasets folder --data-root DIR    your own pictures, one folder per scene
  accelerate launch --multi_gpu --num_processes 4 run_bench.py --run night      four processes share the cases
  python run_bench.py --list                               everything that has a name

An interrupted command goes on where it stopped when it is given again. Exit code 0: every case is ok; 1: the report is
written, but cases failed or were skipped, a metric is broken or nothing was scored (named at the end); 2: the command
cannot run (one line says why). --report-only, --import, --export and --compare run no case, and end with 0 or 2.
"""


NAMED = ("renderers", "datasets", "check", "metrics")
"""Options whose values a shell completes."""

RUN = (
    *("renderers", "datasets", "metrics", "limit", "device", "dtype", "seed"),
    *("output", "run", "reference", "weights", "data_root", "fresh"),
)
"""Options of a plain run."""

MODES: Mapping[str, Collection[str]] = {
    "list": (),
    "compare": ("output",),
    "check": ("data_root",),
    "export": ("output", "run", "by", "with_pictures"),
    "import_": ("output", "run", "reference", "data_root"),
    "report_only": ("output", "run", "reference"),
    "latency": ("renderers", "device", "dtype", "output", "run", "fresh", "sizes", "more_sizes", "radii"),
    "robustness": (*RUN, "perturbations", "severities"),
}
"""Options that make a command another than a plain run, and all that have a meaning with each; the first counts."""


def parse_options(arguments: Sequence[str], output: Path) -> RunRequest:
    """Parse a command line.

    ``output``: the folder that gets results/ and reports/ by default. Ends the process with one line and exit code 2
    where a value is wrong; raises InvalidOptionError where options contradict each other.
    """
    parser = _build_parser()
    complete(parser)
    given = vars(parser.parse_args(_join_severities(arguments)))
    _refuse_ignored(given)
    defaults: dict[str, Any] = {"output": output, "data_root": default_data_root()}
    if "import_" in given:
        defaults["run"] = ""  # the bundle has a name
    if "robustness" in given:
        defaults |= {"renderers": SWEEP_RENDERERS, "datasets": SWEEP_DATASETS}
    request = RunRequest(**defaults | given, command=printable(shlex.join(["python", "run_bench.py", *arguments])))
    _refuse_folders(given, request.output)
    return request


def _build_parser() -> argparse.ArgumentParser:
    """Describe every option; what is not on the command line is not in the namespace either."""
    parser = OneLineParser(
        prog="run_bench.py",
        description="Render scenes with bokeh renderers, score them against ground truth, write reports/index.html.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="say version and commit")
    groups: dict[str, Any] = {}
    for option in (field for field in fields(RunRequest) if field.metadata):
        name = option.metadata["group"]
        if name not in groups:
            group = parser.add_argument_group(name)
            groups[name] = group.add_mutually_exclusive_group() if name == INSTEAD else group
        action = groups[name].add_argument(
            _flag(option.name), dest=option.name, default=argparse.SUPPRESS, **option.metadata["keywords"]
        )
        if option.name in NAMED:
            offer_names(action, partial(_names_of, option.name))
    return parser


def _names_of(option: str) -> Collection[str]:
    from ..datasets.catalogue import DATASETS
    from ..renderers.registry import RENDERERS
    from .metrics.registry import METRICS

    return {"renderers": RENDERERS, "datasets": DATASETS, "check": DATASETS, "metrics": METRICS}[option].entries


def _flag(name: str) -> str:
    return f"--{name.rstrip('_').replace('_', '-')}"


def _join_severities(arguments: Sequence[str]) -> list[str]:
    """Write ``--severities -4,4`` as one word: argparse would take the list for an option."""
    joined = list(arguments)
    if "--severities" in joined[:-1]:
        place = joined.index("--severities")
        joined[place : place + 2] = [f"--severities={joined[place + 1]}"]
    return joined


def _refuse_ignored(given: Collection[str]) -> None:
    """Refuse an option, of those that are ``given``, that what is asked for would pass over."""
    mode = next((name for name in MODES if name in given), "")
    useful = MODES[mode] if mode else RUN
    for name in given:
        if name == mode or name in useful:
            continue
        if mode:
            raise InvalidOptionError(f"{_flag(name)} has no meaning with {_flag(mode)}: leave it out")
        leaders = " or ".join(_flag(leader) for leader, options in MODES.items() if name in options)
        raise InvalidOptionError(f"{_flag(name)} has a meaning only with {leaders}")


def _refuse_folders(given: Mapping[str, Any], output: Path) -> None:
    """Refuse a given folder that is absent, and an output folder that is a file."""
    for name in ("weights", "data_root"):
        if name in given and not given[name].is_dir():
            raise InvalidOptionError(f"{_flag(name)} {given[name]}: no such folder")
    for folder in (output, output / "reports"):
        if folder.exists() and not folder.is_dir():
            raise InvalidOptionError(f"--output {output}: {folder} is a file, expected a folder")
