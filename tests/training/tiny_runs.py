"""Tiny trainings of whatever task: their configurations, written and read."""

import yaml

from bokehbench.training.engine.config import read_config


def write_run(folder, task, model, **run):
    """Write a configuration to ``folder``, which also gets the run, and read it; ``run``: what differs in it."""
    values = {"task": task, "output": str(folder / "run"), "steps": 3, "batch": 2, "model": model}
    folder.mkdir(exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values | run), encoding="utf-8")
    return read_config(path)


def write_watched_run(folder, task, settings, learning_rate, model=None, **run):
    """Write and read that of a task on crops of 32 px of scenes by ``settings``, with two others for validation."""
    values = {
        "optimiser": {"method": "muon", "learning_rate": learning_rate, "warmup": 1},
        "validate_every": 100,
        "validation_count": 2,
    }
    data = {"scenes": settings, "crop_px": 32, "validation": settings | {"seed": 9}}
    return write_run(folder, task, {"data": data, **(model or {})}, **(values | run))
