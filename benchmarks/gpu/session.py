"""All steps within the minutes that are given: kept after each one, gone on with where they stopped."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NotRequired

import torch
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from ...core.files import write_json
from ...core.records import read_record
from ...core.sources import hash_sources
from ..latency.probe import read_gpu
from ..run.environment import describe_environment
from ..run.run_record import now
from ..run.schema import Environment
from .step import Record, Step
from .steps import why_not
from .worker import Worker

SCHEMA: Literal[1] = 1

SLACK, SLACK_SECONDS = 5.0, 40.0
"""A step is ended after this many times its estimate, and this much more: a fresh process has libraries to import."""


class StepRecord(TypedDict):
    """What became of a step; ``seconds`` it took as a whole, ``code``: a digest of the program that did it.

    ``device``: where; absent in files that were written before steps named it.
    """

    status: Literal["ok", "failed", "skipped", "not done"]
    reason: str | None
    seconds: float
    time: str
    environment: str
    code: str
    device: NotRequired[str]
    result: NotRequired[dict[str, Any]]


class GpuRecord(TypedDict):
    """The content of the file; ``plan`` names the steps of the last command in order, ``gpu`` the card's states."""

    schema: Literal[1]
    command: str
    started: str
    minutes: float
    device: str
    cuda: str | None
    gpu: list[dict[str, str]]
    plan: list[str]
    environments: dict[str, Environment]
    steps: dict[str, StepRecord]


@dataclass(frozen=True, kw_only=True)
class GpuRequest:
    """What a command asks for; ``device``: "cuda", or "cpu" for what needs no card."""

    path: Path
    device: str
    minutes: float
    command: str
    fresh: bool = False


def run_steps(steps: Sequence[Step], request: GpuRequest, say: Callable[[str, StepRecord], object]) -> GpuRecord:
    """Do the steps that are not done yet, one after the other; write the file after each; return what it then holds.

    A step that is ok is kept while machine, versions, code and device stay the same. One whose estimate exceeds the
    time left is not started: it is named as not done, and a shorter one behind it may still be. ``say`` is called with
    the name of each step and what became of it. Raises DamagedRecordError for a file that is none of these.
    """
    deadline = time.monotonic() + 60.0 * request.minutes
    record = _begin(steps, request)
    environment = next(reversed(record["environments"]))
    origin = {"environment": environment, "code": hash_program(), "device": request.device}
    worker = Worker(request.device)
    try:
        for step in steps:
            stored = record["steps"].get(step.name)
            if stored and stored["status"] == "ok" and origin.items() <= stored.items():
                say(step.name, stored)
                continue
            start = time.monotonic()
            outcome: Any = _attempt(step, worker, deadline - start)
            about = origin | {"time": now(), "seconds": time.monotonic() - start}
            record["steps"][step.name] = outcome | about
            write_json(request.path, record)
            say(step.name, record["steps"][step.name])
    finally:
        worker.close()
    record["gpu"] += [state for state in [read_gpu()] if state]
    write_json(request.path, record)
    return record


def read_record_of(path: Path) -> GpuRecord:
    """Return the content of the file. Raises DamagedRecordError where it is not there, or none of these."""
    return read_record(GpuRecord, path, "a record of checks and times on a GPU")


def hash_program() -> str:
    """Return a digest of all source that a step may run."""
    sources = json.dumps(hash_sources(f"{__package__}.worker"), sort_keys=True)
    return hashlib.sha256(sources.encode()).hexdigest()[:12]


def _begin(steps: Sequence[Step], request: GpuRequest) -> GpuRecord:
    """Return the record before the first step; the environment of now is its last."""
    earlier = read_record_of(request.path) if request.path.exists() and not request.fresh else None
    environment, surroundings = describe_environment()
    environments: dict[str, Any] = dict(earlier["environments"]) if earlier else {}
    environments.pop(environment, None)
    environments[environment] = surroundings
    record: GpuRecord = {
        "schema": SCHEMA,
        "command": request.command,
        "started": now(),
        "minutes": request.minutes,
        "device": request.device,
        "cuda": torch.version.cuda,
        "gpu": [state for state in [read_gpu()] if state],
        "plan": [step.name for step in steps],
        "environments": environments,
        "steps": earlier["steps"] if earlier else {},
    }
    write_json(request.path, record)
    return record


def _attempt(step: Step, worker: Worker, left: float) -> Record:
    reason = why_not(step)
    if reason is not None:
        return {"status": "skipped", "reason": reason}
    if step.seconds > left:
        return {"status": "not done", "reason": f"takes about {step.seconds:.0f} s, {max(left, 0.0):.0f} s were left"}
    return worker.run(step.name, min(left, SLACK * step.seconds + SLACK_SECONDS))
