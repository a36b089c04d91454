"""Folders of BokehMe's weights: random ones under the published names, and the authors' where they are at hand."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from bokehbench.renderers.bokehme.networks import ARNet, IUNet


@pytest.fixture(scope="session")
def networks() -> tuple[ARNet, IUNet]:
    """Both networks with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ARNet(), IUNet()


@pytest.fixture
def clone(tmp_path, networks) -> Path:
    """A folder laid out as a clone of the authors' repository, with random weights."""
    (tmp_path / "BokehMe/checkpoints").mkdir(parents=True)
    for name, network in zip(("arnet", "iunet"), networks, strict=True):
        records = {kind: np.zeros(9, kind) for kind in ("int32", "int64", "float32", "float64")}
        beside = {"global_step": 7, "optimizer": {}, "best_eval_measures": records}
        torch.save({"model": network.state_dict(), **beside}, tmp_path / f"BokehMe/checkpoints/{name}.pth")
    return tmp_path / "BokehMe"


@pytest.fixture
def published() -> Path:
    """The authors' own iunet.pth. It never enters this repository."""
    folder = Path(os.environ.get("BOKEHBENCH_BOKEHME", "nowhere"))
    found = next((path for path in (folder / "iunet.pth", folder / "checkpoints/iunet.pth") if path.is_file()), None)
    if found is None:
        pytest.skip("BOKEHBENCH_BOKEHME names no clone of the authors' repository")
    return found
