"""What a command asks for: one record, ``RunRequest``, whose fields are the options of run_bench.py.

An option is declared once, as a field here; ``options.parse_options`` builds the parser from the fields, and run.json
keeps those that are marked ``recorded``. Imports nothing heavy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .metrics.registry import DEFAULT_METRICS
from .option_values import (
    Size,
    author,
    blur_radii,
    device_name,
    image_sizes,
    metric_names,
    names,
    positive,
    renderer_names,
    run_name,
    seed_number,
    severities,
    sizes_of_renderers,
)

DEFAULT_RENDERERS = ("identity", "classical", "classical-occlusion", "bokehdiff")
SWEEP_RENDERERS = ("bokehdiff", "classical", "classical-occlusion", "classical-occlusion+refine")
DEFAULT_DATASETS = ("synbokeh-mini", "motorcycle")
SWEEP_DATASETS = ("synbokeh-mini",)

WHAT = "what to run (comma-separated names; --list shows them)"
HOW = "how"
WHERE = "where"
WRONG = "wrong disparity, poor pictures"
SPEED = "speed (measure on an otherwise idle machine)"
INSTEAD = "instead of a plain run"
PASSING_ON = "passing a run on"


def run_folder(output: Path, run: str) -> Path:
    """Return DIR/results/RUN. Raises InvalidOptionError for a name that is not one plain folder name."""
    return output / "results" / run_name(run)


def option(group: str, *, recorded: bool = False, **keywords: Any) -> dict[str, Any]:
    """Return a field's metadata: what ``add_argument`` is given; ``recorded`` options are kept in run.json."""
    return {"group": group, "recorded": recorded, "keywords": keywords}


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What a command asks for. ``command`` is the line itself, as the report shows it."""

    renderers: Sequence[str] = field(
        default=DEFAULT_RENDERERS,
        metadata=option(
            WHAT,
            recorded=True,
            type=renderer_names,
            metavar="NAMES",
            help="'programs': outside programs that are installed; "
            f"default: {','.join(DEFAULT_RENDERERS)}; with --robustness: {','.join(SWEEP_RENDERERS)}",
        ),
    )
    datasets: Sequence[str] = field(
        default=DEFAULT_DATASETS,
        metadata=option(
            WHAT,
            recorded=True,
            type=names,
            metavar="NAMES",
            help=f"default: {','.join(DEFAULT_DATASETS)}",
        ),
    )
    metrics: Sequence[str] = field(
        default=DEFAULT_METRICS,
        metadata=option(
            WHAT,
            recorded=True,
            type=metric_names,
            metavar="NAMES",
            help=f"or 'all'; default: {','.join(DEFAULT_METRICS)}",
        ),
    )
    limit: int | None = field(
        default=None,
        metadata=option(
            WHAT,
            recorded=True,
            type=positive,
            metavar="N",
            help="only the first N scenes of each data set",
        ),
    )
    device: str | None = field(
        default=None,
        metadata=option(
            HOW,
            recorded=True,
            type=device_name,
            metavar="DEVICE",
            help="cpu, cuda or cuda:N; default: cuda where there is one",
        ),
    )
    dtype: str = field(
        default="float32",
        metadata=option(HOW, recorded=True, choices=("float32", "float16", "bfloat16"), help="for networks"),
    )
    seed: int = field(
        default=0,
        metadata=option(
            HOW,
            recorded=True,
            type=seed_number,
            metavar="N",
            help="of renderers that draw random numbers; default: 0",
        ),
    )
    output: Path = field(
        metadata=option(
            WHERE, type=Path, metavar="DIR", help="gets results/ and reports/; default: beside run_bench.py"
        )
    )
    run: str = field(
        default="default",
        metadata=option(WHERE, type=run_name, metavar="NAME", help="results/NAME keeps this run; default: default"),
    )
    reference: str | None = field(
        default=None,
        metadata=option(
            WHERE,
            metavar="NAME",
            help="renderer that the report tests the others against; default: classical",
        ),
    )
    weights: Path | None = field(
        default=None,
        metadata=option(
            WHERE,
            type=Path,
            metavar="DIR",
            help="folder of metric weights (see docs/catalogue.md)",
        ),
    )
    data_root: Path | None = field(
        default=None,
        metadata=option(
            WHERE,
            type=Path,
            metavar="DIR",
            help="your own copies of data sets, DIR/ebb and so on (see docs/datasets.md), and with --datasets folder "
            "your own scenes; default: $BOKEHBENCH_DATA, else data/ beside run_bench.py",
        ),
    )
    robustness: bool = field(
        default=False,
        metadata=option(
            WRONG,
            action="store_true",
            help=f"repeat every scored case with perturbed inputs; default data set: {','.join(SWEEP_DATASETS)}",
        ),
    )
    perturbations: Sequence[str] = field(
        default=("erode",),
        metadata=option(
            WRONG, type=names, metavar="NAMES", help="with --robustness; --list says what each is; default: erode"
        ),
    )
    severities: Sequence[float] | None = field(
        default=None,
        metadata=option(
            WRONG, type=severities, metavar="NUMBERS", help="with --robustness, to six digits; default: each one's own"
        ),
    )
    latency: bool = field(
        default=False,
        metadata=option(
            SPEED,
            action="store_true",
            help="measure time, stages and memory over sizes and blur radii instead of rendering the data sets",
        ),
    )
    sizes: Sequence[Size] | None = field(
        default=None,
        metadata=option(
            SPEED, type=image_sizes, metavar="SIZES", help="with --latency: 512,768x512 (width x height) ..."
        ),
    )
    more_sizes: Sequence[tuple[str, Size]] = field(
        default=(),
        metadata=option(
            SPEED,
            type=sizes_of_renderers,
            metavar="PAIRS",
            help="with --latency: further sizes of single renderers: classical=4096 ...",
        ),
    )
    radii: Sequence[float] | None = field(
        default=None,
        metadata=option(SPEED, type=blur_radii, metavar="NUMBERS", help="with --latency: largest blur radii, px"),
    )
    fresh: bool = field(
        default=False,
        metadata=option(INSTEAD, action="store_true", help="forget what this run has stored and start over"),
    )
    report_only: bool = field(
        default=False,
        metadata=option(INSTEAD, action="store_true", help="write the report of what is stored, render nothing"),
    )
    compare: tuple[str, str] | None = field(
        default=None,
        metadata=option(
            INSTEAD,
            type=run_name,
            nargs=2,
            metavar=("RUN_A", "RUN_B"),
            help="what changed from one stored run to another, and how surely",
        ),
    )
    check: Sequence[str] | None = field(
        default=None,
        metadata=option(
            INSTEAD,
            type=names,
            metavar="NAMES",
            help="load every scene of these data sets and say what is there, missing or damaged; "
            "exit code 1: something in it is damaged or lacking, 2: a data set is absent",
        ),
    )
    export: Path | None = field(
        default=None,
        metadata=option(
            INSTEAD,
            type=Path,
            metavar="FILE.zip",
            help="write the stored run as one file, which --import takes in elsewhere",
        ),
    )
    import_: Path | None = field(
        default=None,
        metadata=option(
            INSTEAD,
            type=Path,
            metavar="FILE.zip",
            help="take in what --export wrote as a run of its own; --run names it, by default imported-NAME",
        ),
    )
    list: bool = field(
        default=False,
        metadata=option(
            INSTEAD,
            action="store_true",
            help="name every renderer, data set, metric and perturbation",
        ),
    )
    by: str = field(
        default="",
        metadata=option(PASSING_ON, type=author, metavar="TEXT", help="with --export: who measured, for the readers"),
    )
    with_pictures: bool = field(
        default=False,
        metadata=option(PASSING_ON, action="store_true", help="with --export: the pictures, too"),
    )
    command: str = ""

    @property
    def folder(self) -> Path:
        """Where the run is stored: DIR/results/RUN."""
        return run_folder(self.output, self.run)

    @property
    def names_metrics(self) -> bool:
        """Whether ``--metrics`` asks for each of them: of the default ones those that can be computed are enough."""
        return self.metrics is not DEFAULT_METRICS

    @property
    def recorded(self) -> dict[str, Any]:
        """What run.json keeps of the options: what the numbers depend on."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.metadata.get("recorded")}

    @property
    def needs_no_run(self) -> bool:
        """Whether this only lists, checks, compares or passes on what is stored."""
        return bool(self.list or self.compare or self.check or self.export or self.import_)
