"""The training loop, on accelerate: one process or many, any device, resumable to the bit.

API: ``train(config)`` returns the folder of the result. All randomness depends on the configuration and the step only.
"""

import dataclasses
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor
from tqdm import tqdm

from ...core.errors import BokehBenchError
from ...core.files import write_json
from ...core.torchvision_guard import ensure_torchvision

ensure_torchvision()

from diffusers.training_utils import EMAModel  # noqa: E402

from ..bokehdiff.build import build_stage  # noqa: E402
from ..bokehdiff.digests import digest_encoder, digest_module  # noqa: E402
from .batches import StepSampler, length_of, make_loader  # noqa: E402
from .checkpoints import load_newest_checkpoint, save_checkpoint  # noqa: E402
from .config import TrainingConfig  # noqa: E402
from .muon import MuonAdamW  # noqa: E402
from .schedules import learning_rate_factor  # noqa: E402
from .task import Batch, Stage, StepLosses  # noqa: E402
from .validation import Validation  # noqa: E402

if TYPE_CHECKING:
    from .adversary import Adversary

LOGGED_EVERY = 10


class TrainingDivergedError(BokehBenchError):
    """A loss term that is no longer finite."""


def train(config: TrainingConfig) -> Path | None:
    """Train one stage to its end, or until ``config.minutes`` are over; go on from the newest checkpoint.

    Returns the folder of the result, ``output/model``, None where steps remain.
    Raises TrainingDivergedError, or whatever is missing or impossible in the configuration.
    """
    return _Training(config).run()


class _Training:
    """One process's part of a run."""

    def __init__(self, config: TrainingConfig):
        self.config = config
        self.output = Path(config.output)
        self.accelerator = Accelerator(
            mixed_precision=config.precision,
            gradient_accumulation_steps=config.accumulation,
            log_with="tensorboard",
            project_dir=self.output / "logs",
        )
        # OMP_NUM_THREADS=1 then holds for PyTorch and for PISA's kernels
        numba.set_num_threads(min(torch.get_num_threads(), numba.get_num_threads()))
        stage = build_stage(config, self.accelerator.device)
        self._description = _describe(config, self.accelerator.num_processes, stage)
        self.stage: Stage = stage
        self.optimiser = _make_optimiser(stage, config)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser,
            lambda step: learning_rate_factor(step, config.steps, config.optimiser.warmup, config.optimiser.hold),
        )
        self.ema = EMAModel(stage.trained(), decay=config.ema) if config.ema else None
        self.adversary = _make_adversary(config, self.accelerator)
        self.wrapped, self.optimiser = self.accelerator.prepare(stage.to(self.accelerator.device), self.optimiser)
        if self.ema is not None:
            self.ema.to(self.accelerator.device)
        self.validation = Validation(config) if self.accelerator.is_main_process else None
        self.seconds = 0.0
        self.step = self._resume()
        self._started = time.monotonic() - self.seconds

    def run(self) -> Path | None:
        """Train the steps that remain, save the result; None where the time is over before."""
        config, last = self.config, self.config.steps * self.config.accumulation
        sampler = StepSampler(
            length_of(self.stage.dataset()),
            config.batch,
            config.seed,
            self.step * config.accumulation,
            last,
            self.accelerator.process_index,
            self.accelerator.num_processes,
        )
        self.accelerator.init_trackers("training")
        if self.step == 0:
            self._validate()
        deadline = time.monotonic() + 60.0 * config.minutes if config.minutes else math.inf
        bar = tqdm(
            total=config.steps,
            initial=self.step,
            desc=config.stage,
            unit="step",
            disable=not self.accelerator.is_main_process,
        )
        for batch in make_loader(self.stage.dataset(), sampler, config.data.workers):
            losses = self._forward_backward(batch)
            if not self.accelerator.sync_gradients:
                continue
            self.step += 1
            bar.update()
            self._log(losses, bar)
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

    def _forward_backward(self, batch: Batch) -> StepLosses:
        batch = {name: value.to(self.accelerator.device) for name, value in batch.items()}
        with self.accelerator.accumulate(self.wrapped):
            with self.accelerator.autocast():
                losses: StepLosses = self.wrapped(batch, self.step)
            terms = dict(losses.terms)
            if self.adversary is not None:
                terms |= self.adversary.terms(losses, self.step)
            self._check_finite(terms, batch)
            self.accelerator.backward(sum(terms.values()))
            if self.accelerator.sync_gradients:
                self.accelerator.clip_grad_norm_(self.stage.trained(), self.config.optimiser.clip)
            self.optimiser.step()
            self.optimiser.zero_grad()
            if self.accelerator.sync_gradients:
                self.schedule.step()
                if self.ema is not None:
                    self.ema.step(self.stage.trained())
        if self.adversary is not None:
            self.adversary.learn(losses)
        return dataclasses.replace(losses, terms={name: term.detach() for name, term in terms.items()})

    def _check_finite(self, terms: Mapping[str, Tensor], batch: Batch) -> None:
        for name, term in terms.items():
            if not bool(torch.isfinite(term)):
                indices = ", ".join(str(int(i)) for i in batch["index"])
                raise TrainingDivergedError(
                    f"step {self.step}: the term '{name}' is {term.item()} on samples {indices} of seed "
                    f"{self.config.seed}: lower the learning rate; the last checkpoint is kept"
                )

    def _log(self, losses: StepLosses, bar: tqdm) -> None:
        if self.step % LOGGED_EVERY and self.step != self.config.steps:
            return
        values: dict[str, Any] = {f"loss/{name}": float(term) for name, term in losses.terms.items()}
        values["train/psnr"] = -10.0 * math.log10(max(float(losses.mse), 1e-12))
        values["train/learning_rate"] = self.schedule.get_last_lr()[0]
        self.accelerator.log(values, step=self.step)
        bar.set_postfix(loss=f"{sum(float(x) for x in losses.terms.values()):.4f}", psnr=f"{values['train/psnr']:.2f}")

    def _validate_and_save(self) -> None:
        if self.step % self.config.validate_every == 0 or self.step == self.config.steps:
            self._validate()
        if self.step % self.config.checkpoint_every == 0:
            self._save()

    def _validate(self) -> None:
        if self.validation is not None:
            with self._averaged():
                self.validation.run(self.stage, self.step, self.accelerator)

    def _averaged(self) -> "_AveragedWeights":
        return _AveragedWeights(self.ema, self.stage)

    def _save(self) -> None:
        if not self.accelerator.is_main_process:
            return
        state = {
            "description": self._description,
            "seconds": time.monotonic() - self._started,
            "weights": [p.detach().cpu() for p in self.stage.trained()],
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "scaler": None if self.accelerator.scaler is None else self.accelerator.scaler.state_dict(),
            "adversary": None if self.adversary is None else self.adversary.state_dict(),
        }
        save_checkpoint(self.output / "checkpoints", self.step, state)

    def _resume(self) -> int:
        state = load_newest_checkpoint(self.output / "checkpoints", self._description)
        if self.validation is not None:
            self.validation.forget_after(0 if state is None else int(state["step"]))
        if state is None:
            return 0
        with torch.no_grad():
            for parameter, stored in zip(self.stage.trained(), state["weights"], strict=True):
                parameter.copy_(stored)
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
            self.ema.to(self.accelerator.device)
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        if self.adversary is not None:
            self.adversary.load_state_dict(state["adversary"])
        self.seconds = float(state["seconds"])
        return int(state["step"])

    def _finish(self) -> Path:
        """Save the averaged weights as a pipeline, with the record of the training beside it."""
        self._save()
        folder = self.output / "model"
        if self.accelerator.is_main_process:
            with self._averaged():
                self.stage.save(folder)
            record = {
                "configuration": json.loads(self._description),
                "seconds": round(time.monotonic() - self._started, 1),
                "device": _describe_device(self.accelerator),
            }
            write_json(folder / "training.json", record)
        self.accelerator.wait_for_everyone()
        return folder


class _AveragedWeights:
    """Uses the averaged weights for the length of a ``with`` block."""

    def __init__(self, ema: EMAModel | None, stage: Stage):
        self._ema, self._stage = ema, stage

    def __enter__(self) -> None:
        if self._ema is not None:
            self._ema.store(self._stage.trained())
            self._ema.copy_to(self._stage.trained())

    def __exit__(self, *_: object) -> None:
        if self._ema is not None:
            self._ema.restore(self._stage.trained())


def _make_optimiser(stage: Stage, config: TrainingConfig) -> torch.optim.Optimizer:
    optimiser = config.optimiser
    groups = [{"params": g["params"], "lr": g["rate"] * optimiser.learning_rate} for g in stage.parameter_groups()]
    adamw: dict[str, Any] = {
        "betas": optimiser.betas,
        "eps": optimiser.epsilon,
        "weight_decay": optimiser.weight_decay,
    }
    if optimiser.method == "adamw":
        return torch.optim.AdamW(groups, **adamw)
    last_layers = [*stage.unet.conv_out.parameters(), *stage.vae.decoder.conv_out.parameters()]
    return MuonAdamW(groups, last_layers, **adamw)


def _make_adversary(config: TrainingConfig, accelerator: Accelerator) -> "Adversary | None":
    if config.stage != "picture" or config.losses.adversarial == 0.0:
        return None
    from .adversary import Adversary  # here: timm takes seconds to import

    return Adversary(config, accelerator)


def _describe(config: TrainingConfig, processes: int, stage: Stage) -> str:
    """Return what decides the result, as JSON: not where it is written, nor how often it is looked at.

    ``encoders``: digests of the encoders that are used and not trained, which files of the same name may change.
    """
    values = dataclasses.asdict(config) | {"processes": processes, "encoders": _digest_encoders(stage)}
    for name in ("perceptual_weights", "discriminator_weights"):
        del values["losses"][name]
    del values["data"]["workers"]
    for name in ("output", "minutes", "checkpoint_every", "validate_every", "validation", "validation_count"):
        del values[name]
    return json.dumps(values, indent=1, sort_keys=True)


def _digest_encoders(stage: Stage) -> dict[str, str | None]:
    vae, colours = stage.pipeline.vae, stage.pipeline.colour_encoder
    trained = any(parameter.requires_grad for parameter in vae.encoder.parameters())
    return {
        "autoencoder": None if trained else digest_encoder(vae),
        "colours": None if colours is None else digest_module(colours),
    }


def _describe_device(accelerator: Accelerator) -> str:
    count = accelerator.num_processes
    if accelerator.device.type == "cuda":
        return f"{count} x {torch.cuda.get_device_name()}"
    threads = count * torch.get_num_threads()
    return "one CPU thread" if threads == 1 else f"{threads} CPU threads"
