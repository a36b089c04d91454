"""What latency.json holds, as types: core.records checks them where the file is opened."""

from typing import Annotated, Literal, NotRequired

from annotated_types import Ge, Gt, Len
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from ..run.schema import Environment, Positive

SCHEMA: Literal[1] = 1
"""Of latency.json."""

Seconds = Annotated[float, Gt(0)]


class Spread(TypedDict):
    """Seconds over repeats; ``interval`` is that of the median."""

    median: Seconds
    interval: Annotated[list[float], Len(2, 2)] | None
    q25: Seconds
    q75: Seconds
    p95: Seconds
    repeats: Positive


class Memory(TypedDict):
    """Peaks in MiB; the last two on CUDA only."""

    added_mb: float | None
    resident_mb: float | None
    allocated_mb: NotRequired[float]
    reserved_mb: NotRequired[float]


class Point(TypedDict):
    """What was measured, and where."""

    renderer: str
    weights: str | None
    code: NotRequired[str]
    device: str
    dtype: str
    height: Positive
    width: Positive
    radius_px: Annotated[float, Gt(0)]
    environment: str
    time: str


class Measurement(Point):
    """One that succeeded."""

    status: Literal["ok"]
    reason: None
    backend: str | None
    spread: Spread
    stopped: str
    repeats: list[dict[str, float | None]]
    cpu_seconds: Annotated[float, Ge(0)]
    megapixels_per_second: Annotated[float, Gt(0)]
    stages: dict[str, float]
    first_seconds: float
    prepare_seconds: float
    memory: Memory
    other_processes_cores: Annotated[float, Ge(0)]
    gpu: list[dict[str, str]]
    threads: Positive


class Unmeasured(Point):
    """One that did not."""

    status: Literal["failed", "skipped"]
    reason: str
    without_weights: NotRequired[bool]


class Rule(TypedDict):
    """When repeats stopped, see ``RepeatRule``."""

    least: int
    most: int
    narrow: float
    seconds: float
    fewest: NotRequired[int]
    patience: NotRequired[float]


class LatencyRecord(TypedDict):
    """The content of latency.json; ``plan`` names the measurements of the last command by their keys."""

    schema: Literal[1]
    command: str
    started: str
    rule: Rule
    cuda: str | None
    plan: list[str]
    environments: dict[str, Environment]
    measurements: dict[str, Measurement | Unmeasured]


def measurement_type(one: object) -> type[Measurement] | type[Unmeasured]:
    """Return which of the two an entry of ``measurements`` claims to be."""
    return Measurement if isinstance(one, dict) and one.get("status") == "ok" else Unmeasured
