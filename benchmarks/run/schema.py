"""What the files of a run hold, as types: core.records checks them where a file is opened, readers rely on them.

Entries that are not required are those that runs of earlier versions lack; the functions that read fill them in.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

from annotated_types import Ge, Gt, Len, Lt
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from ...core.records import EXPLAINED, OPEN
from .band_schema import WrongBand

SCHEMA: Literal[1] = 1
"""Of rows."""

Positive = Annotated[int, Gt(0), Lt(2**31)]


class Guess(TypedDict):
    """See ``metrics.agreement``; null where a scene has nothing to compare."""

    in_focus_iou: float | None
    rank_correlation: float | None
    strength_ratio: float | None


class Row(TypedDict):
    """What a run keeps of a case: one line of rows-*.jsonl. A case's last line counts."""

    __pydantic_config__ = EXPLAINED  # type: ignore[misc]
    schema: Literal[1]
    key: str
    """What the result depends on, in one text; run.json lists the keys of its cases."""
    dataset: str
    scene: str
    renderer: str
    perturbation: str
    """What is wrong about the renderer's inputs; "none" for those of the scene itself."""
    severity: float
    """How wrong they are, in the perturbation's unit; 0 where nothing is."""
    seed: int
    device: NotRequired[str]
    dtype: NotRequired[str]
    weights: NotRequired[str | None]
    """Name and hash of trained weights; null where nothing was trained."""
    data: NotRequired[str]
    """Digest of the scene's files and settings, an entry of run.json's contents."""
    code: NotRequired[dict[str, str]]
    """Digests of the code of data set, renderer and perturbation, entries of run.json's contents."""
    status: Literal["ok", "failed", "skipped"]
    reason: str | None
    """Why it is not ok."""
    metrics: dict[str, float | None]
    """Scores by metric; null where one has no value."""
    scored_by: NotRequired[dict[str, str]]
    """Digests of the metrics' code and weights, entries of run.json's contents."""
    notes: NotRequired[dict[str, str]]
    """Why a metric has no value."""
    seconds: Annotated[float, Ge(0)] | None
    """Time of the render."""
    peak_memory_mb: NotRequired[float | None]
    """What the render added to the memory in use, in MiB; null where it is not known."""
    image: str | None
    """The picture that was scored, a path within the run."""
    image_sha256: str | None
    input: NotRequired[str | None]
    """A perturbed picture that the renderer was given, a path within the run."""
    input_sha256: NotRequired[str | None]
    disparity: NotRequired[str | None]
    """A perturbed disparity as a picture, a path within the run."""
    disparity_sha256: NotRequired[str | None]
    wrong_band: NotRequired[WrongBand | None]
    """Which part of the loss is the wrong disparity's; null where nothing is wrong with it, or no true one is known."""
    backend: NotRequired[str | None]
    """Which of a renderer's implementations made it."""
    guess: NotRequired[Guess | None]
    """How what a renderer that is given the picture alone guessed agrees with the truth; null for others."""
    environment: str
    """An entry of run.json's environments."""
    time: NotRequired[str]
    """When it was stored, UTC."""
    traceback: NotRequired[str]
    """Where an unexpected error came from."""


def pictures_of(row: Row) -> dict[str, tuple[str | None, str | None]]:
    """Return the pictures that a row may name, by its field: a path within the run and a SHA-256, None without one."""
    return {
        "image": (row["image"], row["image_sha256"]),
        "input": (row.get("input"), row.get("input_sha256")),
        "disparity": (row.get("disparity"), row.get("disparity_sha256")),
    }


class SceneRecord(TypedDict):
    """The content of scene.json; lengths are in px of the renders. ``files``: the SHA-256 of each picture beside it."""

    dataset: str
    scene: str
    cluster: str
    height: Positive
    width: Positive
    scale: NotRequired[Positive]
    focus_disparity: float
    blur_strength: float
    gamma: float
    f_number: NotRequired[float | None]
    max_radius_px: Annotated[float, Ge(0)]
    disparity_range: Annotated[list[float], Len(2, 2)]
    edges: list[Annotated[list[int], Len(2, 2)]]
    sha256: NotRequired[str]
    data: NotRequired[str]
    doubts: NotRequired[dict[str, str]]
    files: NotRequired[dict[str, str]]
    digest: NotRequired[str]
    """Of all other entries; records of earlier versions have none."""


class StoredScene(SceneRecord):
    """A scene's record with its ``folder``, relative to the run's."""

    folder: Path


class Environment(TypedDict):
    """What a number depends on besides the code, and whatever else was noted."""

    __pydantic_config__ = OPEN  # type: ignore[misc]
    processor: NotRequired[str | None]
    gpu: NotRequired[str | None]
    threads: NotRequired[int]
    commit: NotRequired[str | None]
    python: NotRequired[str]
    packages: NotRequired[dict[str, str | None]]


class Settings(TypedDict):
    """The options that the numbers depend on."""

    __pydantic_config__ = OPEN  # type: ignore[misc]
    device: str
    dtype: str
    seed: int
    limit: int | None
    perturbations: NotRequired[list[tuple[str, float]]]


class CapabilitiesRecord(TypedDict):
    """What a renderer can do; runs of before ``inputs`` say ``needs_disparity``."""

    __pydantic_config__ = OPEN  # type: ignore[misc]
    inputs: NotRequired[list[str]]
    needs_disparity: NotRequired[bool]


class RendererRecord(TypedDict):
    """What run.json says of a renderer."""

    summary: str
    weights: str | None
    training: NotRequired[str | None]
    needs_weights: NotRequired[bool]
    capabilities: CapabilitiesRecord


class DatasetRecord(TypedDict):
    """What run.json says of a data set."""

    summary: NotRequired[str]
    protocol: str
    terms: str
    scored: bool
    version: NotRequired[str]
    true_disparity: NotRequired[bool]


class MetricRecord(TypedDict):
    """What run.json says of a metric; ``reason``: why it is not available, ``broken``: not for want of weights."""

    unit: str
    higher_is_better: bool
    description: str
    available: bool
    reason: str | None
    broken: NotRequired[bool]


class Kept(TypedDict):
    """The cases that a command kept: when they were finished, and in what their surroundings were others."""

    cases: int
    first: str | None
    last: str | None
    elsewhere: list[str]


class RenderedAgain(TypedDict):
    """Cases for which a stored picture did not count, and why."""

    of: str
    reason: str
    cases: Positive
    scenes: list[str]


class ScoredAgain(TypedDict):
    """Cases whose picture was kept and scored again, and why."""

    reason: str
    cases: Positive


class Reuse(TypedDict):
    """What of the stored run counted for a command."""

    kept: Kept
    rendered_again: list[RenderedAgain]
    scored_again: list[ScoredAgain]


class DoubtRecord(TypedDict):
    """What looks odd about some scenes of a data set; ``example`` is the sentence of the first of them."""

    dataset: str
    kind: str
    scenes: list[str]
    example: str


class CommandRecord(TypedDict):
    """What run.json says of one command; ``cases`` are their keys."""

    run: str
    command: str
    started: str
    starts: NotRequired[Positive]
    finished: str | None
    seconds: float | None
    reuse: NotRequired[Reuse | None]
    settings: Settings
    renderers: Annotated[dict[str, RendererRecord], Len(1)]
    datasets: Annotated[dict[str, DatasetRecord], Len(1)]
    metrics: dict[str, MetricRecord]
    cases: list[str]
    doubts: NotRequired[list[DoubtRecord]]


class DataCheck(TypedDict):
    """Whether the scenes of an imported run are those that this machine has of the data set; ``note``: why not."""

    state: Literal["same", "other", "unknown"]
    note: str


class ImportRecord(TypedDict):
    """Where an imported run comes from; ``data``: see ``DataCheck``, by data set."""

    file: str
    sha256: str
    run: str
    by: str
    version: str
    commit: str | None
    time: str
    pictures: bool
    data: dict[str, DataCheck]


class RunRecord(CommandRecord):
    """The content of run.json: the last benchmark, and the last robustness sweep below ``sweep``.

    ``contents`` is what digests in rows stand for; ``scored_by`` the digest of each metric's code as it was last used;
    ``imported`` stands in runs that were measured elsewhere.
    """

    environments: dict[str, Environment]
    contents: NotRequired[dict[str, dict[str, str]]]
    scored_by: NotRequired[dict[str, str]]
    sweep: NotRequired[CommandRecord]
    imported: NotRequired[ImportRecord]


def row_schema() -> dict[str, Any]:
    """Return the JSON schema of a row, docs/row.schema.json."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(Row).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


if __name__ == "__main__":  # python -m bokehbench.benchmarks.run.schema > docs/row.schema.json
    print(json.dumps(row_schema(), indent=1))
