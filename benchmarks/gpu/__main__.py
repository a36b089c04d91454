"""``python -m bokehbench.benchmarks.gpu``: everything that a GPU has to answer, in one command."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from ...core.commands import ends_in_one_line
from ...core.errors import CannotWriteError
from ...core.option_parser import OneLineParser
from ..option_values import names

PROGRAM = "python -m bokehbench.benchmarks.gpu"
DESCRIPTION = """\
Holds every GPU kernel against its reference, then measures: scatters and march by turns with literal atomics, every
renderer from 256 to 2048 px, one pass of SDXL's size against the released code's cost structure. Everything is kept in
FILE after each step: the same command goes on where it stopped, or where the minutes ended.

Exit code 0: every step is ok; 1: a step failed, was skipped or did not fit into the minutes (each is named); 2: the
command cannot run, for instance without a CUDA device: it then prints what it would do.
"""
INTERRUPTED = "gpu: interrupted; what is finished is kept: give the same command, without --fresh, to go on"


@ends_in_one_line("gpu", INTERRUPTED, elsewhere="--output")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = OneLineParser(
        prog=PROGRAM,
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--minutes", type=float, default=8.0, metavar="N", help="of time in all; default: %(default)g")
    parser.add_argument("--output", type=Path, default=Path("gpu.json"), metavar="FILE", help="default: %(default)s")
    parser.add_argument("--only", type=names, default=(), metavar="WORDS", help="steps whose name holds one of these")
    parser.add_argument("--fresh", action="store_true", help="forget what FILE holds")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--without-device",
        action="store_true",
        help="the checks that need no card: kernels on the CPU, Triton's by its interpreter, and compiled for cards",
    )
    instead.add_argument("--show", action="store_true", help="print what FILE holds, and run nothing")
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parser.parse_args(given)
    try:
        return _show(options.output) if options.show else _run(options, shlex.join([*PROGRAM.split(), *given]))
    except CannotWriteError as error:
        error.goes_on = not options.fresh
        raise


def _run(options: argparse.Namespace, command: str) -> int:
    import torch  # here: --help needs none of it

    from ...core.errors import InvalidOptionError
    from .session import GpuRequest, run_steps
    from .steps import choose_steps
    from .summary import describe_step, summarise

    if not 0.0 < options.minutes < float("inf"):
        raise InvalidOptionError(f"--minutes: expected a number above 0, got {options.minutes:g}")
    steps = choose_steps(not options.without_device, options.only)
    if not steps:
        raise InvalidOptionError(f"--only {','.join(options.only)}: no step's name holds that: --help")
    if not options.without_device and not torch.cuda.is_available():
        for step in steps:
            print(f"would do {step.name} (about {step.seconds:.0f} s)")
        print(f"{len(steps)} steps, about {sum(step.seconds for step in steps) / 60:.0f} minutes")
        raise InvalidOptionError(
            f"torch {torch.__version__} sees no CUDA device: nothing was run: --without-device runs what needs none"
        )
    request = GpuRequest(
        path=options.output,
        device="cpu" if options.without_device else "cuda",
        minutes=options.minutes,
        command=command,
        fresh=options.fresh,
    )
    record = run_steps(steps, request, lambda name, step: print(describe_step(name, step), flush=True))
    print(f"{summarise(record)}: {options.output}")
    return 0 if all(record["steps"][step.name]["status"] == "ok" for step in steps) else 1


def _show(path: Path) -> int:
    from .session import read_record_of
    from .summary import describe_step, summarise

    record = read_record_of(path)
    for name in record["plan"]:
        if name in record["steps"] and record["steps"][name]["status"] != "ok":
            print(describe_step(name, record["steps"][name]))
    print(summarise(record))
    return 0


if __name__ == "__main__":
    sys.exit(main())
