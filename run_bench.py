"""Benchmark bokeh renderers: render, score, and write a report. See --help."""

import argparse
import os
import shlex
import sys
from pathlib import Path

try:
    from bokehbench.benchmarks.options import DEFAULT_DATASETS, SWEEP_DATASETS, check_options, parse_options
    from bokehbench.benchmarks.run.launch import is_helper
    from bokehbench.core.errors import BokehBenchError, InvalidOptionError
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] != "bokehbench":
        raise
    sys.exit(
        "run_bench.py: bokehbench is not installed, or older than this folder: run  "
        "pip install -c constraints.txt -e .  here first"
    )


HERE = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """Run the command line ``arguments``; return the exit code."""
    options = parse_options(arguments, HERE)
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


def list_names() -> int:
    """Print every registered name with its summary."""
    from bokehbench.benchmarks.metrics.registry import METRICS
    from bokehbench.datasets.catalogue import DATASETS
    from bokehbench.renderers.registry import RENDERERS
    from bokehbench.robustness.perturbations.registry import PERTURBATIONS

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
    from bokehbench.benchmarks.run.store import StoredRun, run_folder
    from bokehbench.reports.report import write_report

    folder = run_folder(options.output, options.run)
    rows = None if options.report_only else make_rows(options, arguments)
    if is_helper():
        return 0
    stored = StoredRun.open(folder)
    page = write_report(stored, options.output / "reports", options.reference)
    asked = stored.meta["sweep"] if options.robustness and rows is not None else stored.meta
    for name, metric in asked["metrics"].items():
        if not metric["available"]:
            print(f"metric {name} is left out: {metric['reason']}", file=sys.stderr)
    return summarise(stored.finished, stored.planned, page) if rows is None else summarise(rows, len(rows), page)


def compare(options: argparse.Namespace) -> int:
    """Print what changed between two stored runs and write it as a page."""
    from bokehbench.benchmarks.run.store import StoredRun, run_folder
    from bokehbench.benchmarks.statistics.run_comparison import compare_runs
    from bokehbench.reports.pages.comparison import print_comparison, write_comparison

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
    from bokehbench.benchmarks.latency.session import LatencySettings, run_latency
    from bokehbench.benchmarks.run.store import run_folder
    from bokehbench.reports.pages.latency import print_latency
    from bokehbench.reports.report import write_latency

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
    from bokehbench.core.errors import DamagedDataError, MissingDataError
    from bokehbench.datasets.catalogue import DATASETS, load_dataset
    from bokehbench.datasets.check import check_dataset, write_check
    from bokehbench.datasets.files.data_root import default_data_root

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
    from bokehbench.benchmarks.run.session import Settings, run_benchmark
    from bokehbench.datasets.files.data_root import default_data_root
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


def check_names(options: argparse.Namespace) -> None:
    """Refuse unknown names; listing them imports nothing heavy, so that a typo is answered at once."""
    from bokehbench.benchmarks.metrics.registry import METRICS
    from bokehbench.datasets.catalogue import DATASETS
    from bokehbench.renderers.registry import RENDERERS
    from bokehbench.robustness.perturbations.registry import PERTURBATIONS

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
