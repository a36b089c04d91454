"""What a training run is: one YAML file, read strictly into typed records.

API: ``read_config(path) -> RunConfig``. How to train is the engine's and the same for every task; what to train is the
entry ``model``, whose type belongs to the task. An unknown or misspelt entry, a wrong type or an impossible value is
one line that names it; entries that are absent take their defaults.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ...core.checks import LARGEST_SEED, MOST, Within, check, check_choice, check_fields, check_path
from ...core.documents import read_document
from ...core.errors import InvalidOptionError
from ...core.settings import read_settings
from ..registry import TASKS

if TYPE_CHECKING:
    from .task import TaskConfig

PRECISIONS = ("no", "bf16", "fp16")
METHODS = ("adamw", "muon")


@dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
    """AdamW; the rate rises over ``warmup`` steps, holds for a share ``hold`` of the rest, then falls as a cosine.

    ``method``: ``adamw``, or ``muon``: AdamW with Muon for matrices and convolutions, see ``muon.MuonAdamW``; an
    adversary's is always AdamW. ``betas``, ``epsilon``: AdamW's.
    """

    method: str = "adamw"
    learning_rate: Annotated[float, Within(1e-12, 1e6)] = 1e-4
    warmup: Annotated[int, Within(0, MOST)] = 0
    hold: Annotated[float, Within(0.0, 1.0)] = 0.0
    betas: Annotated[tuple[float, float], Within(0.0, 1.0)] = (0.9, 0.999)
    epsilon: Annotated[float, Within(1e-30, 1.0)] = 1e-8
    weight_decay: Annotated[float, Within(0.0, 1e3)] = 0.01
    clip: Annotated[float, Within(1e-9, 1e9)] = 1.0

    def __post_init__(self) -> None:
        check_choice("optimiser.method", self.method, METHODS)
        check_fields(self, "optimiser.")
        check("optimiser.hold", self.hold, self.hold < 1.0, "0 to below 1")
        check("optimiser.betas", self.betas, max(self.betas) < 1.0, "two numbers in [0, 1)")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """How a task is trained.

    - ``task``: a name in ``training.registry``; ``model``: what it trains, read into the task's own type.
    - ``output``: folder that gets checkpoints/, logs/ and model/, the result.
    - ``steps``, ``batch`` (per process), ``accumulation``: updates, samples in a forward pass, passes in an update.
    - ``workers``: processes that make samples; they do not change them.
    - ``ema``: decay of the averaged weights, 0 without; the result holds the averaged ones.
    - ``checkpoint_every``, ``validate_every``: steps. ``validation_count``: samples that are never trained on.
    - ``minutes``: stop after that long with a checkpoint, to be continued by the same command; 0: never.
    """

    task: str
    output: str
    model: Any
    steps: Annotated[int, Within(1, MOST)] = 1000
    batch: Annotated[int, Within(1, 2**16)] = 8
    accumulation: Annotated[int, Within(1, 2**16)] = 1
    workers: Annotated[int, Within(0, 1024)] = 0
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    ema: Annotated[float, Within(0.0, 1.0)] = 0.0
    precision: str = "no"
    seed: Annotated[int, Within(0, LARGEST_SEED)] = 0
    checkpoint_every: Annotated[int, Within(1, MOST)] = 200
    validate_every: Annotated[int, Within(1, MOST)] = 200
    validation_count: Annotated[int, Within(1, 10**4)] = 8
    minutes: Annotated[float, Within(0.0, 1e7)] = 0.0

    def __post_init__(self) -> None:
        check_choice("precision", self.precision, PRECISIONS)
        check_fields(self)
        check("ema", self.ema, self.ema < 1.0, "0 to below 1")
        check_path("output", self.output)
        check("output", self.output, not Path(self.output).is_file(), "a folder")

    def identity(self) -> dict[str, Any]:
        """Return what decides the result: not where it is written, how often it is looked at, nor what a task says."""
        values = dataclasses.asdict(dataclasses.replace(self, model=None))
        aside = ("output", "model", "workers", "minutes", "checkpoint_every", "validate_every", "validation_count")
        return {name: value for name, value in values.items() if name not in aside}


def read_config(path: Path) -> RunConfig:
    """Read a YAML file; relative paths in it are relative to the current folder.

    Raises InvalidOptionError in one line for whatever is wrong with it, UnknownNameError for an unknown task.
    """
    content = read_document(path, "a YAML file with a training configuration", InvalidOptionError)
    try:
        if isinstance(content, Mapping) and "stage" in content:
            raise InvalidOptionError(
                f"entry stage: write 'task:' in its place, one of {', '.join(TASKS.entries)}, and the rest"
                " under 'model:', see docs/training.md"
            )
        run = read_settings(RunConfig, content)
        model: type[TaskConfig] = TASKS.find(run.task).load()
        return dataclasses.replace(run, model=read_settings(model, run.model, "model."))
    except InvalidOptionError as error:
        raise InvalidOptionError(f"{path}: {error}") from None
