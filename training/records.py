"""What is said of a finished training beside weights that ship."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from ..core.errors import DamagedRecordError, InvalidOptionError
from ..core.records import OPEN, read_record

RECORDED_RUN = ("task", "steps", "batch", "optimiser", "precision", "seed")
"""What of a run's configuration a reader of its weights may want to know."""


class _Data(TypedDict):
    __pydantic_config__ = OPEN  # type: ignore[misc]

    scenes: dict[str, Any]
    disparity: str
    count: int
    crop_px: int


class _Model(TypedDict):
    __pydantic_config__ = OPEN  # type: ignore[misc]

    data: _Data
    start: str | None


class _Configuration(TypedDict):
    __pydantic_config__ = OPEN  # type: ignore[misc]

    model: _Model
    task: str
    steps: int
    batch: int
    optimiser: dict[str, Any]
    precision: str
    seed: int


class _Record(TypedDict):
    """What is needed of training.json; it holds more."""

    configuration: _Configuration
    seconds: float
    device: str


def read_finished(path: Path) -> dict[str, Any]:
    """Read a finished training's record. Raises InvalidOptionError for a damaged one."""
    try:
        return dict(read_record(_Record, path, "the record of a training"))
    except DamagedRecordError as error:
        raise InvalidOptionError(f"{error}: train again") from error


def summarise(record: Mapping[str, Any], seconds: float, first: Mapping[str, Any] | None) -> str:
    """Return one sentence about a training, and about the ``first`` that it went on from; ``seconds``: of both."""
    config = record["configuration"]
    steps = f"{config['steps']}" if first is None else f"{first['steps']} and {config['steps']}"
    data = config["model"]["data"]
    scenes = f" out of {data['count']} synthesised scenes" if data["count"] else ""
    where = f"{seconds / 60.0:.0f} minutes on {record['device']}"
    return f"{steps} steps of {config['batch']} crops of {data['crop_px']} px{scenes}, {where}"


def nameless(scenes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what scenes were drawn from without the names of anybody's folders."""
    return {**scenes, "photographs": [], "cutouts": []}
