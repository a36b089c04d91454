"""What is said of a finished training beside weights that ship."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from ..core.errors import DamagedRecordError, InvalidOptionError, MissingWeightsError
from ..core.records import OPEN, read_record
from ..renderers.weights import RECORD_FILE
from .engine.validation import read_curve

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


def require_finished(trained: Path) -> None:
    """Raise MissingWeightsError unless the training in a folder, which a recipe's part of that name does, has ended."""
    path = trained / "model" / RECORD_FILE
    if not path.is_file():
        part = trained.name
        raise MissingWeightsError(f"{path}: absent: give the training's command with --parts {part}, to finish it")


def describe_training(trained: Path, entries: Sequence[str], first: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what a reader of the results should know about a training, and of the ``first`` that it went on from.

    ``entries``: of the configuration's ``model``, as far as it has them.
    """
    record = read_finished(trained / "model" / RECORD_FILE)
    config = record["configuration"]
    model, data = config["model"], config["model"]["data"]
    seconds = record["seconds"] + (first["seconds"] if first else 0.0)
    before = f"{first['steps']} steps of {first['batch']} crops of {first['crop_px']} px, then " if first else ""
    return {
        "summary": before + summarise(record, seconds, None),
        "seconds": round(seconds, 1),
        **{name: config[name] for name in RECORDED_RUN},
        **{name: model[name] for name in entries if name in model},
        "crop_px": data["crop_px"],
        "scenes": nameless(data["scenes"]),
        "validation": read_curve(trained),
        **({"first": first} if first else {}),
    }


def summarise(record: Mapping[str, Any], seconds: float, first: Mapping[str, Any] | None) -> str:
    """Return one sentence about a training, and about the ``first`` that it went on from; ``seconds``: of all."""
    config = record["configuration"]
    earlier: list[str] = []
    while first is not None:
        earlier, first = [str(first["steps"]), *earlier], first.get("first")
    steps = " and ".join(filter(None, (", ".join(earlier), str(config["steps"]))))
    data = config["model"]["data"]
    scenes = f" out of {data['count']} synthesised scenes" if data["count"] else ""
    where = f"{seconds / 60.0:.0f} minutes on {record['device']}"
    return f"{steps} steps of {config['batch']} crops of {data['crop_px']} px{scenes}, {where}"


def nameless(scenes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what scenes were drawn from without the names of anybody's folders."""
    return {**scenes, "photographs": [], "cutouts": []}
