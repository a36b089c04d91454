"""A task that has nothing to do with pictures: a line is fitted to points, by the engine's own loop.

As a program, ``python tiny_task.py OUTPUT [EMA]``, it is killed in the middle of step KILLED_AT: alone, or as the
second of two processes. Before, it prints its number of threads.
"""

import os
import signal
import sys
from dataclasses import dataclass

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.data import Dataset

from bokehbench.core.errors import BokehBenchError
from bokehbench.core.launch import leave
from bokehbench.training.engine.config import OptimiserConfig, RunConfig
from bokehbench.training.engine.loop import train
from bokehbench.training.engine.task import StepLosses, Task

STEPS, KILLED_AT = 12, 9


class Points(Dataset):
    def __getitem__(self, index):
        x = torch.rand(3, generator=torch.Generator().manual_seed(index))
        return {"x": x, "y": (x * torch.tensor([1.0, -2.0, 0.5])).sum()[None], "index": torch.tensor(index)}


class TinyTask(Task):
    def __init__(self, config, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.config = config
        self.layer = nn.Linear(3, 1)
        self.seen = []

    def dataset(self):
        return Points()

    def losses(self, batch, step):
        self.seen.append((step, batch["index"].tolist()))
        if step == self.config.killed_at:
            print(torch.get_num_threads(), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        mse = (self.layer(batch["x"]) - batch["y"]).square().mean()
        return StepLosses({"mse": mse, "half": 0.5 * mse * self.config.factor}, mse.detach())

    def parameter_groups(self):
        return [
            {"params": [self.layer.weight], "rate": 1.0, "muon": True},
            {"params": [self.layer.bias], "rate": 0.5, "muon": False},
        ]

    def identity(self):
        return {"factor": self.config.factor}

    def validation_dataset(self):
        return Points() if self.config.validate else None

    def render(self, sample):
        return tuple(
            (0.2 * y.detach() + 0.5).expand(3, 4).reshape(1, 3, 2, 2) for y in (self.layer(sample["x"]), sample["y"])
        )

    def save(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: p.detach().clone() for name, p in self.layer.named_parameters()}, folder / "layer.safetensors")


@dataclass(frozen=True)
class TinyConfig:
    factor: float = 1.0
    validate: bool = False
    killed_at: int = -1

    def build(self, run, device):
        return TinyTask(self, run.seed).to(device)


def tiny_run(output, model=TinyConfig(), **changes):
    optimiser = OptimiserConfig(method=changes.pop("method", "muon"), learning_rate=0.2, warmup=2)
    values = {"steps": STEPS, "batch": 4, "ema": 0.9, "checkpoint_every": 3, "optimiser": optimiser}
    return RunConfig(task="tiny", output=str(output), model=model, **(values | changes))


def result(folder):
    return load_file(folder / "layer.safetensors")


if __name__ == "__main__":
    doomed, averages = os.environ.get("RANK") != "0", dict(zip(["ema"], map(float, sys.argv[2:]), strict=False))
    try:
        train(tiny_run(sys.argv[1], TinyConfig(killed_at=KILLED_AT if doomed else -1), **averages))
    except BokehBenchError as error:
        print(error, file=sys.stderr)
        leave(1)
