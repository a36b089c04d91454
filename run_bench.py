# PYTHON_ARGCOMPLETE_OK
"""Benchmark bokeh renderers: render, score, and write a report. See --help."""

import sys
from dataclasses import replace
from pathlib import Path

try:
    from bokehbench.benchmarks.options import parse_options
    from bokehbench.benchmarks.request import RunRequest, run_folder
    from bokehbench.core.commands import ends_in_one_line, exit_code
    from bokehbench.core.errors import BokehBenchError, CannotWriteError, InvalidOptionError, LostProcessError
    from bokehbench.core.launch import is_helper, let_threads_sleep
    from bokehbench.core.text import did_you_mean, one_line
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] != "bokehbench":
        raise
    sys.exit(
        "run_bench.py: bokehbench is not installed, or older than this folder: run  "
        "pip install -c constraints.txt -e .  here first"
    )


HERE = Path(__file__).resolve().parent


INTERRUPTED = "run_bench.py: interrupted; what is finished is kept: give the same command, without --fresh, to go on"


@ends_in_one_line("run_bench.py", INTERRUPTED, elsewhere="--output")
def main(arguments: list[str]) -> int:
    """Run the command line ``arguments``; return the exit code."""
    let_threads_sleep()
    if not is_helper():
        request = parse_options(arguments, HERE)
        try:
            return answer(request) if request.needs_no_run else carry_out(request)
        except CannotWriteError as error:
            error.goes_on = error.goes_on and not request.fresh
            raise
    # Under ``accelerate launch`` every process but the first shares the cases, and says and writes nothing else.
    started = False
    try:
        request = parse_options(arguments, HERE)
        if request.needs_no_run or request.latency or request.report_only:
            return 0
        check_names(request)
        started = True
        return run(request)
    except (CannotWriteError, LostProcessError):
        raise
    except BokehBenchError:
        # The main process meets a mistake in words, too, and says it: a failing helper would have it ended before.
        return 2 if started else 0
    except KeyboardInterrupt as end:
        return exit_code(end)


def answer(request: RunRequest) -> int:
    """Do what needs no run: list, compare, check, export or import."""
    if request.list:
        return list_names()
    if request.export or request.import_:
        return pass_on(request)
    return compare(request) if request.compare else check(request)


def carry_out(request: RunRequest) -> int:
    """Measure, render or report."""
    if request.report_only:
        return report(request)
    check_names(request)
    return measure_latency(request) if request.latency else run(request)


def list_names() -> int:
    """Print every registered name with its summary."""
    from bokehbench.benchmarks.metrics.registry import METRICS
    from bokehbench.datasets.catalogue import DATASETS
    from bokehbench.renderers.outside.adapter_info import outside_entries
    from bokehbench.renderers.registry import RENDERERS, WITH_AUTHORS_WEIGHTS
    from bokehbench.renderers.stages.registry import BEFORE, BEHIND
    from bokehbench.robustness.perturbations.registry import PERTURBATIONS

    for registry in (RENDERERS, BEFORE, BEHIND, DATASETS, METRICS, PERTURBATIONS):
        print(f"{registry.kind}s:")
        width = max(map(len, registry.entries), default=0)
        for name, entry in registry.entries.items():
            print(f"  {name:<{width}}  {entry.description}")
    print("renderers whose weights or code you get elsewhere, as NAME@FOLDER; the name alone says what to get:")
    entries = {**WITH_AUTHORS_WEIGHTS, **outside_entries()}
    width = max(map(len, entries))
    for name, entry in entries.items():
        print(f"  {name:<{width}}  {entry.description}")
    return 0


def run(request: RunRequest) -> int:
    """Run the benchmark or the sweep, then write the report."""
    if not is_helper():
        refuse_foreign_pages(request)
    rows = make_rows(request)
    if is_helper():
        return 0
    # Imported late: PyTorch alone takes over a second, and --help needs none of it.
    from bokehbench.benchmarks.run.closing import close
    from bokehbench.benchmarks.run.store import StoredRun
    from bokehbench.reports.report import write_report

    stored = StoredRun.open(request.folder)
    page = write_report(stored, request.output / "reports", request.reference)
    return close(stored.meta["sweep"] if request.robustness else stored.meta, rows, page, request.names_metrics)


def report(request: RunRequest) -> int:
    """Write the report of what is stored, and print what failed when it was measured: no case of this command did."""
    refuse_foreign_pages(request)
    if has_only_latency(request):
        if request.reference:
            raise InvalidOptionError(f"--reference: {request.folder} holds latency alone: leave it out")
        report_latency(request)
        return 0
    from bokehbench.benchmarks.run.closing import summarise
    from bokehbench.benchmarks.run.store import StoredRun
    from bokehbench.reports.report import write_report

    stored = StoredRun.open(request.folder)
    page = write_report(stored, request.output / "reports", request.reference)
    summarise(stored.finished, stored.planned, page)
    return 0


def has_only_latency(request: RunRequest) -> bool:
    """Whether the run holds measurements of latency and nothing else."""
    from bokehbench.benchmarks.latency.session import read_latency
    from bokehbench.benchmarks.run.store import read_meta

    return not read_meta(request.folder) and read_latency(request.folder) is not None


def refuse_foreign_pages(request: RunRequest) -> None:
    """Refuse a run whose pages would mix with other files, before anything is rendered."""
    from bokehbench.reports.files.assets import refuse_foreign

    refuse_foreign(request.output / "reports", request.run)


def make_rows(request: RunRequest) -> list[dict]:
    """Render and score what the request asks for. Returns one row a case."""
    if request.robustness:
        from bokehbench.robustness.sweep import run_sweep

        return run_sweep(request)
    from bokehbench.benchmarks.run.session import run_benchmark

    return run_benchmark(request)


def compare(request: RunRequest) -> int:
    """Print what changed between two stored runs and write it as a page."""
    from bokehbench.benchmarks.run.store import StoredRun
    from bokehbench.benchmarks.statistics.run_comparison import compare_runs
    from bokehbench.reports.pages.comparison import print_comparison
    from bokehbench.reports.report import write_comparison

    first, second = (StoredRun.open(run_folder(request.output, name)) for name in request.compare)
    comparison = compare_runs(first, second)
    page = write_comparison(comparison, request.output / "reports")
    print(print_comparison(comparison))
    for name, one, other in comparison.settings:
        print(one_line(f"different: {name}: {one} -> {other}"))
    print(f"Report: {page}")
    return 0


def pass_on(request: RunRequest) -> int:
    """Write a stored run as one file, or store such a file as a run of its own and write its report."""
    if request.import_:
        from bokehbench.benchmarks.bundles.importing import import_bundle

        folder = import_bundle(request.import_, request.output, request.run, request.data_root, request.reference)
        print(f"{request.import_}: stored as the run '{folder.name}'")
        return report(replace(request, run=folder.name))
    from bokehbench.benchmarks.bundles.export import export_bundle

    print(export_bundle(request))
    return 0


def measure_latency(request: RunRequest) -> int:
    """Measure the renderers' time and memory, then write the report with its latency page."""
    from bokehbench.benchmarks.latency.session import run_latency

    refuse_foreign_pages(request)
    run_latency(request)
    return report_latency(request)


def report_latency(request: RunRequest) -> int:
    """Write the latency page of what is measured, and print it."""
    from bokehbench.benchmarks.latency.session import read_latency
    from bokehbench.reports.pages.latency import print_growth, print_latency
    from bokehbench.reports.report import write_latency

    page = write_latency(request.folder, request.output / "reports")
    record = read_latency(request.folder)
    assert record is not None, "its page is written"  # noqa: S101
    planned = [record["measurements"][key] for key in record["plan"] if key in record["measurements"]]
    ok = sum(one["status"] == "ok" for one in planned)
    print(print_latency(record))
    if growth := print_growth(record):
        print(growth)
    print(f"{ok} of {len(record['plan'])} measurements ok. Report: {page}")
    return 0 if ok == len(record["plan"]) else 1


def check(request: RunRequest) -> int:
    """Print what is there, missing or damaged in each data set. Returns the worst exit code."""
    from bokehbench.datasets.catalogue import DATASETS, load_dataset

    for name in request.check:
        DATASETS.find(name)
    from bokehbench.core.errors import DamagedDataError, MissingDataError
    from bokehbench.datasets.check import check_dataset, write_check

    code = 0
    for name in request.check:
        try:
            found = check_dataset(load_dataset(name, request.data_root))
        except MissingDataError as error:
            print(f"run_bench.py: {one_line(str(error))}", file=sys.stderr)
            code = max(code, 1 if isinstance(error, DamagedDataError) else 2)
        else:
            print(write_check(found))
            code = max(code, 0 if found.is_sound else 1)
    return code


def check_names(request: RunRequest) -> None:
    """Refuse unknown names; listing them imports nothing heavy, so that a typo is answered at once."""
    from bokehbench.benchmarks.metrics.registry import METRICS
    from bokehbench.datasets.catalogue import DATASETS
    from bokehbench.renderers.registry import find_renderer
    from bokehbench.robustness.perturbations.registry import PERTURBATIONS

    if request.reference and request.reference not in request.renderers:
        hint = did_you_mean(request.reference, request.renderers)
        wanted = ", ".join(request.renderers)
        raise InvalidOptionError(f"--reference {request.reference}: expected one of {wanted}{hint}")
    for name in request.renderers:
        find_renderer(name)
    pairs = (DATASETS, request.datasets), (METRICS, request.metrics), (PERTURBATIONS, request.perturbations)
    for registry, wanted in pairs:
        for name in wanted:
            registry.find(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
