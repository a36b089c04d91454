"""What a model in training makes of samples it never trains on: a PSNR curve, and pictures for TensorBoard."""

import json
import math
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from ...core.atomic_files import explained
from ...core.files import write_atomically
from .config import RunConfig
from .task import Task

SHOWN = 4
CURVE_FILE = "validation.jsonl"


class Validation:
    """Scores the first ``validation_count`` samples of the task's validation data; without any, does nothing."""

    def __init__(self, task: Task, config: RunConfig):
        self._task, self._config = task, config
        self._samples: list[dict[str, Tensor]] = []

    def forget_after(self, step: int) -> None:
        """Drop the curve's points from ``step`` on that a killed run left: they are measured again."""
        curve = Path(self._config.output) / CURVE_FILE
        if curve.is_file():
            lines = curve.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if line.endswith("\n") and 0 <= _step_of(line) <= step and step]
            write_atomically(curve, lambda file: file.write("".join(kept).encode()))

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
        with explained(curve), curve.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "psnr": round(mean, 4)}) + "\n")


def _step_of(line: str) -> int:
    """Return the step of a point of the curve; -1 for a line that is none."""
    try:
        step = json.loads(line)["step"]
    except (ValueError, TypeError, KeyError):
        return -1
    return step if isinstance(step, int) else -1
