"""The training loop, on accelerate: one process or many, any device, resumable to the bit.

API: ``train(config)`` returns the folder of the result. All randomness depends on the configuration and the step only.
"""

import json
import math
import time
from pathlib import Path
from typing import Any

import numba
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from tqdm import tqdm

from ...core.atomic_files import explained
from ...core.files import write_json
from .adversary import Adversary
from .averaged import AveragedWeights
from .checkpoints import load_newest_checkpoint, save_checkpoint
from .config import OptimiserConfig, RunConfig
from .muon import MuonAdamW
from .sampler import StepSampler, length_of, make_loader
from .schedules import learning_rate_factor
from .task import Batch, ParameterGroup
from .update import Update
from .validation import Validation

LOGGED_EVERY = 10


def train(config: RunConfig) -> Path | None:
    """Train a task to its end, or until ``config.minutes`` are over; go on from the newest checkpoint.

    Returns the folder of the result, ``output/model``, None where steps remain.
    Raises TrainingDivergedError, or whatever is missing or impossible in the configuration.
    """
    return Training(config).run()


class Training:
    """One process's part of a run."""

    def __init__(self, config: RunConfig):
        self.config = config
        self.output = Path(config.output)
        self.accelerator = Accelerator(
            mixed_precision=config.precision,
            gradient_accumulation_steps=config.accumulation,
            log_with="tensorboard",
            project_dir=self.output / "logs",
        )
        device, optimiser = self.accelerator.device, config.optimiser
        # OMP_NUM_THREADS holds for kernels in numba, too; numba's OpenMP layer raises PyTorch's number as it starts.
        threads = torch.get_num_threads()
        numba.set_num_threads(min(threads, numba.get_num_threads()))
        torch.set_num_threads(threads)
        self.task = config.model.build(config, device).to(device)
        identity = config.identity() | {"processes": self.accelerator.num_processes, "model": self.task.identity()}
        self._identity = json.dumps(identity, indent=1, sort_keys=True)
        self.optimiser = make_optimiser(self.task.parameter_groups(), optimiser)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser,
            lambda step: learning_rate_factor(step, config.steps, optimiser.warmup, optimiser.hold),
        )
        self.averaged = AveragedWeights(self.task.trained(), config.ema)
        term = self.task.adversary()
        self.adversary = None if term is None else Adversary(term, optimiser, self.accelerator)
        self.wrapped, self.optimiser = self.accelerator.prepare(self.task, self.optimiser)
        self.validation = Validation(self.task, config) if self.accelerator.is_main_process else None
        self.seconds = 0.0
        self.step = self._resume()
        self._started = time.monotonic() - self.seconds

    def run(self) -> Path | None:
        """Train the steps that remain, save the result; None where the time is over before."""
        config, dataset = self.config, self.task.dataset()
        passes = (self.step * config.accumulation, config.steps * config.accumulation)
        process = (self.accelerator.process_index, self.accelerator.num_processes)
        sampler = StepSampler(length_of(dataset), config.batch, config.seed, *passes, *process)
        self.accelerator.init_trackers("training")
        if self.step == 0:
            self._validate()
        deadline = time.monotonic() + 60.0 * config.minutes if config.minutes else math.inf
        quiet = not self.accelerator.is_main_process
        bar = tqdm(total=config.steps, initial=self.step, desc=config.task, unit="step", disable=quiet)
        update = Update()
        for batch in make_loader(dataset, sampler, config.workers):
            means = self._forward_backward(batch, update)
            if means is None:
                continue
            update = Update()
            self.step += 1
            bar.update()
            self._log(*means, bar)
            self._validate_and_save()
            if self.step < config.steps and self._is_over(deadline):
                self._save()
                self.accelerator.end_training()
                return None
        bar.close()
        result = self._finish()
        self.accelerator.end_training()
        return result

    def _is_over(self, deadline: float) -> bool:
        """Ask the main process's clock: all processes must stop at the same step."""
        if math.isinf(deadline):
            return False
        over = torch.tensor([time.monotonic() > deadline], device=self.accelerator.device, dtype=torch.int32)
        return bool(broadcast(over).item())

    def _forward_backward(self, batch: Batch, update: Update) -> tuple[dict[str, float], float] | None:
        """Take one pass; after an update's last one, step, and return what ``Update.read`` does."""
        batch = {name: value.to(self.accelerator.device) for name, value in batch.items()}
        means = None
        with self.accelerator.accumulate(self.wrapped):
            with self.accelerator.autocast():
                losses = self.wrapped(batch, self.step)
            terms = dict(losses.terms)
            if self.adversary is not None:
                terms |= self.adversary.terms(losses, self.step)
            update.add(terms, losses.mse, batch["index"])
            if self.accelerator.sync_gradients:  # before a step that would spoil the weights
                means = update.read(self.step, self.config.seed)
            self.accelerator.backward(sum(terms.values()))
            if self.accelerator.sync_gradients:
                self.accelerator.clip_grad_norm_(self.task.trained(), self.config.optimiser.clip)
            self.optimiser.step()
            self.optimiser.zero_grad()
            if self.accelerator.sync_gradients:
                self.schedule.step()
                self.averaged.step()
        if self.adversary is not None:
            self.adversary.learn(losses)
        return means

    def _log(self, terms: dict[str, float], mse: float, bar: tqdm) -> None:
        if self.step % LOGGED_EVERY and self.step != self.config.steps:
            return
        values: dict[str, Any] = {f"loss/{name}": term for name, term in terms.items()}
        values["train/psnr"] = -10.0 * math.log10(max(mse, 1e-12))
        values["train/learning_rate"] = self.schedule.get_last_lr()[0]
        self.accelerator.log(values, step=self.step)
        bar.set_postfix(loss=f"{sum(terms.values()):.4f}", psnr=f"{values['train/psnr']:.2f}")

    def _validate_and_save(self) -> None:
        if self.step % self.config.validate_every == 0 or self.step == self.config.steps:
            self._validate()
        if self.step % self.config.checkpoint_every == 0:
            self._save()

    def _validate(self) -> None:
        if self.validation is not None:
            with self.averaged:
                self.validation.run(self.step, self.accelerator)

    def _save(self) -> None:
        if self.accelerator.is_main_process:
            parts = {name: part.state_dict() for name, part in self._parts().items()}
            weights = [p.detach().cpu() for p in self.task.trained()]
            state = {"identity": self._identity, "seconds": time.monotonic() - self._started, "weights": weights}
            save_checkpoint(self.output / "checkpoints", self.step, state | parts)

    def _resume(self) -> int:
        state = load_newest_checkpoint(self.output / "checkpoints", self._identity)
        if self.validation is not None:
            self.validation.forget_after(0 if state is None else int(state["step"]))
        if state is None:
            return 0
        with torch.no_grad():
            for parameter, stored in zip(self.task.trained(), state["weights"], strict=True):
                parameter.copy_(stored)
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.seconds = float(state["seconds"])
        return int(state["step"])

    def _parts(self) -> dict[str, Any]:
        """Return what has a state of its own beside the weights."""
        parts = {
            "optimiser": self.optimiser,
            "schedule": self.schedule,
            "averaged": self.averaged,
            "scaler": self.accelerator.scaler,
            "adversary": self.adversary,
        }
        return {name: part for name, part in parts.items() if part is not None}

    def _finish(self) -> Path:
        """Save the averaged weights as the task does, with the record of the training beside them."""
        self._save()
        folder = self.output / "model"
        if self.accelerator.is_main_process:
            with self.averaged, explained(folder):
                self.task.save(folder)
            record = {
                "configuration": json.loads(self._identity),
                "seconds": round(time.monotonic() - self._started, 1),
                "device": _describe_device(self.accelerator),
            }
            write_json(folder / "training.json", record)
        self.accelerator.wait_for_everyone()
        return folder


def make_optimiser(groups: list[ParameterGroup], config: OptimiserConfig) -> torch.optim.Optimizer:
    """Return the optimiser of the configuration, with each group's own rate."""
    muon = config.method == "muon"
    rated: list[dict[str, Any]] = [
        {"params": group["params"], "lr": group["rate"] * config.learning_rate}
        | ({"muon": group["muon"]} if muon else {})
        for group in groups
    ]
    make = MuonAdamW if muon else torch.optim.AdamW
    return make(rated, betas=config.betas, eps=config.epsilon, weight_decay=config.weight_decay)


def _describe_device(accelerator: Accelerator) -> str:
    count = accelerator.num_processes
    if accelerator.device.type == "cuda":
        return f"{count} x {torch.cuda.get_device_name()}"
    threads = count * torch.get_num_threads()
    return "one CPU thread" if threads == 1 else f"{threads} CPU threads"
