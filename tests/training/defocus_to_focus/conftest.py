"""Tiny trainings of Defocus to Focus."""

import pytest
import yaml

from bokehbench.training.engine.config import read_config


@pytest.fixture
def habit(pictures):
    """Return settings of habit scenes as YAML would give them."""
    return {
        "photographs": [str(pictures / "photographs")],
        "cutouts": [str(pictures / "cutouts")],
        "size_px": 32,
        "lens_samples": 16,
    }


@pytest.fixture
def configure(habit):
    """Write a configuration of a tiny training of a stage and read it."""

    def write(folder, stage, model=None, **run):
        folder.mkdir(exist_ok=True)
        values = {
            "task": f"defocus-to-focus/{stage}",
            "output": str(folder / stage),
            "steps": 4,
            "batch": 2,
            "optimiser": {"method": "muon", "learning_rate": 1.0e-3, "warmup": 1},
            "validate_every": 100,
            "validation_count": 1,
            "model": {"data": {"scenes": habit, "validation": habit | {"seed": 9}}, **(model or {})},
        }
        path = folder / f"{stage}.yaml"
        path.write_text(yaml.safe_dump(values | run), encoding="utf-8")
        return read_config(path)

    return write
