"""Tiny trainings of MagicBokeh: their configurations."""

import copy

import pytest

from bokehbench.renderers.magicbokeh.autoencoder import CompactAutoencoder

from ..tiny_runs import write_run

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
        data = {"scenes": settings, "crop_px": 16}
        optimiser = {"method": "muon", "learning_rate": 3.0e-3, "warmup": 1}
        values = {"data": data, "settings": {"size": TINY}, "turns": [1, 1], **(model or {})}
        return write_run(folder, "magicbokeh/network", values, **({"steps": 4, "optimiser": optimiser} | run))

    return write
