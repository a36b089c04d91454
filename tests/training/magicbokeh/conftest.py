"""Tiny trainings of MagicBokeh: their configurations."""

import copy

import pytest
import yaml

from bokehbench.renderers.magicbokeh.autoencoder import CompactAutoencoder
from bokehbench.training.engine.config import read_config

TINY = {"widths": [8, 16], "blocks": [1, 1], "groups": 4, "heads": 2, "rank": 2}


@pytest.fixture(scope="session")
def autoencoder():
    return CompactAutoencoder.shipped()


@pytest.fixture(autouse=True)
def autoencoder_is_read_once(autoencoder, monkeypatch):
    monkeypatch.setattr(CompactAutoencoder, "shipped", lambda: copy.deepcopy(autoencoder))


@pytest.fixture
def configure(settings):
    """Write a configuration of a tiny training and read it."""

    def write(folder, model=None, **run):
        folder.mkdir(exist_ok=True)
        data = {"scenes": settings, "crop_px": 16}
        values = {
            "task": "magicbokeh/network",
            "output": str(folder / "run"),
            "steps": 4,
            "batch": 2,
            "optimiser": {"method": "muon", "learning_rate": 3.0e-3, "warmup": 1},
            "model": {"data": data, "settings": {"size": TINY}, "turns": [1, 1], **(model or {})},
        }
        path = folder / "config.yaml"
        path.write_text(yaml.safe_dump(values | run), encoding="utf-8")
        return read_config(path)

    return write
