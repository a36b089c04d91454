"""The training loop, on accelerate: one process or many, any device, resumable to the bit.

API: ``train(config)`` returns the folder of the result. All randomness depends on the configuration and the step only.
"""

import json
import math
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs, broadcast
from filelock import FileLock, Timeout

from ...core.atomic_files import explained
from ...core.commands import Ended, signals_wait
from ...core.errors import InvalidOptionError
from ...core.files import write_json
from ...core.joining import lost_explained, meet, patience
from ...core.launch import read_launch
from ...core.progress import ProgressBar
from ...core.threads import use_torch_threads
from .checkpoints import Checkpoints
from .config import RunConfig
from .sampler import StepSampler, length_of, make_loader
from .task import Batch
from .update import Update
from .validation import Validation

LOGGED_EVERY = 10
LOCK = ".lock"
STOPPING = "training: ends after the step in hand, and saves it; a second signal ends it at once"


def train(config: RunConfig) -> Path | None:
    """Train a task to its end, or until ``config.minutes`` are over; go on from the newest checkpoint.

    Returns the folder of the result, ``output/model``, None where steps remain.
    Raises TrainingDivergedError, LostProcessError, or whatever is missing or impossible in the configuration.
    """
    launch = read_launch()
    with _hold(Path(config.output)) if launch.rank == 0 else nullcontext():
        meet(launch)
        with lost_explained(launch.count > 1):
            return Training(config).run()


@contextmanager
def _hold(output: Path) -> Iterator[None]:
    """Let no other command train in a folder meanwhile. Raises InvalidOptionError where one does."""
    with explained(output):
        output.mkdir(parents=True, exist_ok=True)
        lock = FileLock(output / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise InvalidOptionError(f"{output}: another command trains here: wait for it, or change output") from error
    try:
        yield
    finally:
        lock.release()


class Training:
    """One process's part of a run."""

    def __init__(self, config: RunConfig):
        self.config = config
        self.output = Path(config.output)
        launch = read_launch()
        self.accelerator = Accelerator(
            # Without this accelerate trains every process by itself where there are several and no accelerator.
            cpu=launch.count > 1 and not torch.accelerator.is_available(),
            mixed_precision=config.precision,
            gradient_accumulation_steps=config.accumulation,
            log_with="tensorboard",
            project_dir=self.output / "logs",
            kwargs_handlers=[InitProcessGroupKwargs(timeout=patience())],
        )
        if self.accelerator.num_processes != launch.count:
            raise InvalidOptionError(
                f"WORLD_SIZE={launch.count}: several processes cannot share a training here: use one"
            )
        use_torch_threads()
        self.task = config.model.build(config, self.accelerator.device).to(self.accelerator.device)
        identity = config.identity() | {"processes": self.accelerator.num_processes, "model": self.task.identity()}
        self._identity = json.dumps(identity, indent=1, sort_keys=True)
        self.update = Update(self.task, config, self.accelerator)
        self.validation = Validation(self.task, config) if self.accelerator.is_main_process else None
        self.checkpoints = Checkpoints(self.output / "checkpoints", self._identity)
        self.step, seconds = self.checkpoints.load_newest(self.update)
        self._started = time.monotonic() - seconds

    def run(self) -> Path | None:
        """Train the steps that remain, save the result; None where the time is over before.

        A signal that asks one process to end waits for the step and its checkpoint, then raises Ended. Several
        processes, which would stop at different steps, end at once, and go on from the last checkpoint.
        """
        config = self.config
        deadline = time.monotonic() + 60.0 * config.minutes if config.minutes else math.inf
        self._begin()
        quiet, alone = not self.accelerator.is_main_process, self.accelerator.num_processes == 1
        waiting: AbstractContextManager[list[int]] = signals_wait(STOPPING) if alone else nullcontext([])
        with (
            waiting as signals,
            ProgressBar(total=config.steps, initial=self.step, desc=config.task, unit="step", disable=quiet) as bar,
        ):
            bar.set_postfix_str("the first step takes longer where kernels are compiled")
            for batch in self._batches():
                with self.accelerator.accumulate(self.update.model):
                    with self.accelerator.autocast():
                        losses = self.update.model(batch, self.step)
                    means = self.update.take(losses, batch["index"], self.step)
                if means is None:
                    continue  # with the next pass of this update
                self.step += 1
                bar.set_postfix_str("", refresh=False)
                bar.update()
                self._log(*means, bar)
                if self.step % config.validate_every == 0 or self.step == config.steps:
                    self._validate()
                if self.step % config.checkpoint_every == 0:
                    self._save()
                if signals or self._is_over(deadline):
                    break
        saved = self._save()
        if signals:
            print(f"{saved}: saved after step {self.step} of {config.steps}", file=sys.stderr)
            raise Ended(signals[0])
        result = self._finish() if self.step == config.steps else None
        self.accelerator.end_training()
        return result

    def _begin(self) -> None:
        self.accelerator.init_trackers("training")
        if self.validation is not None:
            self.validation.forget_after(self.step)
        if self.step == 0:
            self._validate()
        elif self.step < self.config.steps and self.accelerator.is_main_process:
            print(f"going on from step {self.step} of {self.config.steps}", file=sys.stderr)

    def _batches(self) -> Iterator[Batch]:
        """Yield the batches of the passes that remain, on the device."""
        config, accelerator, dataset = self.config, self.accelerator, self.task.dataset()
        passes = (self.step * config.accumulation, config.steps * config.accumulation)
        process = (accelerator.process_index, accelerator.num_processes)
        sampler = StepSampler(length_of(dataset), config.batch, config.seed, *passes, *process)
        for batch in make_loader(dataset, sampler, config.workers):
            yield {name: value.to(accelerator.device) for name, value in batch.items()}

    def _is_over(self, deadline: float) -> bool:
        """Ask the main process's clock: all processes must stop at the same step."""
        if math.isinf(deadline):
            return False
        over = torch.tensor([time.monotonic() > deadline], device=self.accelerator.device, dtype=torch.int32)
        return bool(broadcast(over).item())

    def _log(self, terms: dict[str, float], mse: float, bar: ProgressBar) -> None:
        if self.step % LOGGED_EVERY and self.step != self.config.steps:
            return
        values: dict[str, Any] = {f"loss/{name}": term for name, term in terms.items()}
        values["train/psnr"] = -10.0 * math.log10(max(mse, 1e-12))
        values["train/learning_rate"] = self.update.schedule.get_last_lr()[0]
        self.accelerator.log(values, step=self.step)
        bar.set_postfix_str(f"this batch: loss {sum(terms.values()):.4f}, PSNR {values['train/psnr']:.2f} dB")

    def _validate(self) -> None:
        if self.validation is not None:
            with self.update.averaged:
                self.validation.run(self.step, self.accelerator)

    def _save(self) -> Path | None:
        if not self.accelerator.is_main_process:
            return None
        return self.checkpoints.save(self.step, time.monotonic() - self._started, self.update)

    def _finish(self) -> Path:
        """Save the averaged weights as the task does, with the record of the training beside them."""
        folder = self.output / "model"
        if self.accelerator.is_main_process:
            with self.update.averaged, explained(folder):
                self.task.save(folder)
            record = {
                "configuration": json.loads(self._identity),
                "seconds": round(time.monotonic() - self._started, 1),
                "device": _describe_device(self.accelerator),
            }
            write_json(folder / "training.json", record)
        self.accelerator.wait_for_everyone()
        return folder


def _describe_device(accelerator: Accelerator) -> str:
    count = accelerator.num_processes
    if accelerator.device.type == "cuda":
        return f"{count} x {torch.cuda.get_device_name()}"
    threads = count * torch.get_num_threads()
    return "one CPU thread" if threads == 1 else f"{threads} CPU threads"
