"""What a model in training makes of samples it never trains on: a PSNR curve, and pictures for TensorBoard."""

import json
import math
from contextlib import suppress
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from ...core.atomic_files import explained
from ...core.errors import DamagedRecordError
from ...core.files import regular, write_atomically
from ...core.records import parse_record
from .config import RunConfig
from .task import Task

SHOWN = 4
CURVE_FILE = "validation.jsonl"


class Point(TypedDict):
    """A point of a training's curve."""

    step: int
    psnr: float


class Validation:
    """Scores the first ``validation_count`` samples of the task's validation data; without any, does nothing."""

    def __init__(self, task: Task, config: RunConfig):
        self._task, self._config = task, config
        self._samples: list[dict[str, Tensor]] = []

    def forget_after(self, step: int) -> None:
        """Drop the curve's points from ``step`` on that a killed run left: they are measured again."""
        curve = Path(self._config.output) / CURVE_FILE
        if curve.is_file():
            kept = "".join(map(_as_line, (p for p in read_curve(curve.parent) if step and p["step"] <= step)))
            write_atomically(curve, lambda file: file.write(kept.encode()))

    def run(self, step: int, accelerator: Accelerator) -> None:
        """Log the mean PSNR and the first pictures (result beside truth); append the PSNR to validation.jsonl."""
        if not self._samples:
            dataset = self._task.validation_dataset()
            if dataset is None:
                return
            self._samples = [dataset[index] for index in range(self._config.validation_count)]
        ratios, pictures = [], []
        for sample in self._samples:
            predicted, target = self._task.render({k: v[None].to(accelerator.device) for k, v in sample.items()})
            error = (predicted.float().clamp(0.0, 1.0) - target).square().mean()
            ratios.append(-10.0 * math.log10(max(float(error), 1e-12)))
            pictures.append(torch.cat([predicted, target], dim=3)[0].float().clamp(0.0, 1.0).cpu())
        mean = sum(ratios) / len(ratios)
        accelerator.log({"validation/psnr": mean}, step=step)
        tracker = accelerator.get_tracker("tensorboard", unwrap=False)
        tracker.log_images({"validation": torch.stack(pictures[:SHOWN]).numpy()}, step=step, dataformats="NCHW")
        curve = Path(self._config.output) / CURVE_FILE
        with explained(curve), regular(curve, may_be_absent=True).open("a", encoding="utf-8") as file:
            file.write(_as_line({"step": step, "psnr": round(mean, 4)}))


def read_curve(output: Path) -> list[Point]:
    """Return the points of a training's curve, without the lines that a kill cut off; none where there is no curve."""
    curve = output / CURVE_FILE
    points = []
    for line in curve.read_text(encoding="utf-8", errors="replace").splitlines() if curve.is_file() else ():
        with suppress(DamagedRecordError):
            points.append(parse_record(Point, line))
    return points


def _as_line(point: Point) -> str:
    return json.dumps(point) + "\n"
