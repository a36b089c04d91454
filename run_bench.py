"""Benchmark bokeh renderers: render, score, and write a report. See --help."""

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import NoReturn

try:
    from bokehbench.benchmarks.launch import is_helper
    from bokehbench.renderers.errors import BokehBenchError, InvalidOptionError
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] != "bokehbench":
        raise
    sys.exit(
        "run_bench.py: bokehbench is not installed: run  pip install -c constraints.txt -e .  in this folder first"
    )

HERE = Path(__file__).resolve().parent
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


def main(arguments: list[str]) -> int:
    """Run the command line ``arguments``; return the exit code."""
    options = build_parser().parse_args(join_severities(arguments))
    options.renderers = options.renderers or list(SWEEP_RENDERERS if options.robustness else DEFAULT_RENDERERS)
    # Under ``accelerate launch`` every process but the first shares the cases, and says and writes nothing.
    helper = is_helper()
    if helper and (options.list or options.compare or options.check or options.latency or options.report_only):
        return 0
    try:
        if options.list:
            return list_names()
        if options.compare:
            return compare(options)
        if options.check:
            return check(options)
        if options.latency:
            return measure_latency(options, arguments)
        return run(options, arguments)
    except BokehBenchError as error:
        if not helper:
            print(f"run_bench.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("run_bench.py: interrupted; finished cases are kept: give the same command to go on", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """Describe every option. Imports nothing heavy: --help answers at once."""
    parser = OneLineParser(
        prog="run_bench.py",
        description="Render scenes with bokeh renderers, score them against ground truth, write reports/index.html.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
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
    where = parser.add_argument_group("where")
    where.add_argument(
        "--output", type=Path, default=HERE, metavar="DIR", help="gets results/ and reports/; default: here"
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
    return parser


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


def join_severities(arguments: list[str]) -> list[str]:
    """Write ``--severities -4,4`` as one word: argparse would take the list for an option."""
    joined = list(arguments)
    if "--severities" in joined[:-1]:
        place = joined.index("--severities")
        joined[place : place + 2] = [f"--severities={joined[place + 1]}"]
    return joined


def list_names() -> int:
    """Print every registered name with its summary."""
    from bokehbench.benchmarks.metrics.registry import METRICS
    from bokehbench.datasets.catalogue import DATASETS
    from bokehbench.renderers.registry import RENDERERS
    from bokehbench.robustness.registry import PERTURBATIONS

    for registry in (RENDERERS, DATASETS, METRICS, PERTURBATIONS):
        print(f"{registry.kind}s:")
        width = max(map(len, registry.entries))
        for name, entry in registry.entries.items():
            print(f"  {name:<{width}}  {entry.summary}")
    return 0


def run(options: argparse.Namespace, arguments: list[str]) -> int:
    """Run the benchmark or the sweep unless only the report is wanted, then write the report."""
    check_options(options)
    check_names(options)
    # Imported late: PyTorch alone takes over a second, and --help needs none of it.
    from bokehbench.benchmarks.store import StoredRun, run_folder
    from bokehbench.reports.page import write_report

    folder = run_folder(options.output, options.run)
    rows = None if options.report_only else make_rows(options, arguments)
    if is_helper():
        return 0
    stored = StoredRun.open(folder)
    page = write_report(stored, options.output / "reports", options.reference)
    planned = len(stored.meta["plan"]) if rows is None else len(rows)
    for name, metric in stored.meta["metrics"].items():
        if not metric["available"]:
            print(f"metric {name} is left out: {metric['reason']}", file=sys.stderr)
    return summarise(stored.rows if rows is None else rows, planned, page)


def compare(options: argparse.Namespace) -> int:
    """Print what changed between two stored runs and write it as a page."""
    from bokehbench.benchmarks.run_comparison import compare_runs
    from bokehbench.benchmarks.store import StoredRun, run_folder
    from bokehbench.reports.comparison import print_comparison, write_comparison

    first, second = (StoredRun.open(run_folder(options.output, name)) for name in options.compare)
    comparison = compare_runs(first, second)
    page = write_comparison(comparison, options.output / "reports")
    print(print_comparison(comparison))
    print(f"Report: {page}")
    return 0


def measure_latency(options: argparse.Namespace, arguments: list[str]) -> int:
    """Measure the renderers' time and memory, then write the report with its latency page."""
    check_options(options)
    check_names(options)
    from bokehbench.benchmarks.latency import LatencySettings, run_latency
    from bokehbench.benchmarks.store import run_folder
    from bokehbench.reports.latency_report import print_latency, write_latency

    settings = LatencySettings(
        renderers=options.renderers,
        output=options.output,
        run=options.run,
        sizes=options.sizes,
        radii=options.radii,
        device=options.device,
        dtype=options.dtype,
        fresh=options.fresh,
        command=shlex.join(["python", "run_bench.py", *arguments]),
    )
    record = run_latency(settings)
    page = write_latency(run_folder(options.output, options.run), options.output / "reports")
    planned = [record["measurements"][key] for key in record["plan"]]
    failed = [one for one in planned if one["status"] != "ok"]
    print(print_latency(record))
    print(f"{len(planned) - len(failed)} of {len(planned)} measurements ok. Report: {page}")
    return 1 if failed else 0


def check(options: argparse.Namespace) -> int:
    """Print what is there, missing or damaged in each data set. Returns the worst exit code."""
    check_options(options)
    from bokehbench.datasets.catalogue import DATASETS, load_dataset
    from bokehbench.datasets.check import check_dataset, write_check
    from bokehbench.datasets.data_root import default_data_root
    from bokehbench.renderers.errors import DamagedDataError, MissingDataError

    for name in options.check:
        DATASETS.find(name)
    code = 0
    for name in options.check:
        try:
            found = check_dataset(load_dataset(name, options.data_root or default_data_root()))
        except MissingDataError as error:
            print(f"run_bench.py: {error}", file=sys.stderr)
            code = max(code, 1 if isinstance(error, DamagedDataError) else 2)
        else:
            print(write_check(found))
            code = max(code, 0 if found.is_sound else 1)
    return code


def make_rows(options: argparse.Namespace, arguments: list[str]) -> list[dict]:
    """Render and score what the options ask for. Returns one row a case."""
    from bokehbench.benchmarks.metrics.registry import DEFAULT_METRICS, METRICS
    from bokehbench.benchmarks.session import Settings, run_benchmark
    from bokehbench.datasets.data_root import default_data_root
    from bokehbench.robustness.sweep import DEFAULT_PERTURBATIONS, run_sweep

    settings = Settings(
        renderers=options.renderers,
        datasets=options.datasets or (SWEEP_DATASETS if options.robustness else DEFAULT_DATASETS),
        metrics=list(METRICS.entries) if "all" in (options.metrics or ()) else options.metrics or DEFAULT_METRICS,
        output=options.output,
        run=options.run,
        limit=options.limit,
        device=options.device,
        dtype=options.dtype,
        seed=options.seed or 0,
        fresh=options.fresh,
        weights=options.weights,
        data_root=options.data_root or default_data_root(),
        command=shlex.join(["python", "run_bench.py", *arguments]),
    )
    if options.robustness:
        return run_sweep(settings, options.perturbations or DEFAULT_PERTURBATIONS, options.severities)
    return run_benchmark(settings)


def check_options(options: argparse.Namespace) -> None:
    """Refuse options that contradict each other and folders that are absent, before anything is computed."""
    for option, value in (("--perturbations", options.perturbations), ("--severities", options.severities)):
        if value is not None and not options.robustness:
            raise InvalidOptionError(f"{option} has a meaning only with --robustness")
    check_latency_options(options)
    if options.weights is not None and not options.weights.is_dir():
        raise InvalidOptionError(f"--weights {options.weights}: no such folder")
    if options.data_root is not None and not options.data_root.is_dir():
        raise InvalidOptionError(f"--data-root {options.data_root}: no such folder")
    for folder in (options.output, options.output / "reports"):
        if folder.exists() and not folder.is_dir():
            raise InvalidOptionError(f"--output {options.output}: {folder} is a file, expected a folder")


def check_latency_options(options: argparse.Namespace) -> None:
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


def check_names(options: argparse.Namespace) -> None:
    """Refuse unknown names; listing them imports nothing heavy, so that a typo is answered at once."""
    from bokehbench.benchmarks.metrics.registry import METRICS
    from bokehbench.datasets.catalogue import DATASETS
    from bokehbench.renderers.registry import RENDERERS
    from bokehbench.robustness.registry import PERTURBATIONS

    if options.reference and not options.report_only and options.reference not in options.renderers:
        raise InvalidOptionError(f"--reference {options.reference}: expected one of {', '.join(options.renderers)}")
    for name in options.renderers:
        RENDERERS.find(name.partition("@")[0])
    for registry, wanted in ((DATASETS, options.datasets), (PERTURBATIONS, options.perturbations)):
        for name in wanted or ():
            registry.find(name)
    for name in options.metrics or ():
        if name != "all":
            METRICS.find(name)


def summarise(rows: list[dict], planned: int, page: Path) -> int:
    """Print what did not work, each reason once, and where the report is. Returns the exit code."""
    failed_metrics = {
        (name, note) for row in rows for name, note in row["notes"].items() if note.startswith("failed: ")
    }
    for name, note in sorted(failed_metrics):
        print(f"metric {name} {note}", file=sys.stderr)
    unfinished = [row for row in rows if row["status"] != "ok"]
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for row in unfinished:
        reasons.setdefault((row["status"], row["renderer"], row["reason"]), []).append(
            f"{row['dataset']}/{row['scene']}"
        )
    for (status, renderer, reason), scenes in reasons.items():
        which = scenes[0] if len(scenes) == 1 else f"{len(scenes)} cases, first {scenes[0]}"
        print(f"{status}: {renderer} on {which}: {reason}", file=sys.stderr)
    ok = len(rows) - len(unfinished)
    print(f"{ok} of {planned} cases ok. Report: {page}")
    return 1 if ok < planned or failed_metrics else 0


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
        sys.exit(code)
    except BrokenPipeError:  # the reader of our output, say head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
