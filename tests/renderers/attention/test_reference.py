"""The dense reference: its circle of confusion, and what it asks of a batch."""

import dataclasses

import pytest
import torch

from bokehbench.core.errors import InvalidSceneError
from bokehbench.renderers.attention.physics import PisaPhysics
from bokehbench.renderers.attention.reference import log_circle_dense, pisa_dense

from .cases import features, smooth_geometry


def test_the_edge_of_the_circle():
    """Half at the radius, as steep as ln(hardness) per unit of 10 px."""
    geometry = dataclasses.replace(smooth_geometry(0.0, grid=(1, 3)), radius_px=torch.full((1, 3), 16.0).double())
    C = log_circle_dense(geometry, PisaPhysics(hardness=100.0)).exp()[0]
    assert float(C[0, 1]) == pytest.approx(0.5)
    assert float(C[0, 2]) == pytest.approx(1 / (1 + 100.0**1.6))
    assert float(C[0, 0]) == pytest.approx(1 / (1 + 100.0**-1.6))


def test_a_batch_of_another_size_than_the_geometry_is_named():
    inputs = features(smooth_geometry(30.0))
    with pytest.raises(InvalidSceneError, match="batch 1 or 3"):
        pisa_dense(*(x.expand(3, -1, -1, -1) for x in inputs), smooth_geometry(30.0, batch=2), PisaPhysics())
