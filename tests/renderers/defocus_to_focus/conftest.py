"""Folders of weights: random ones of the compact form, and of the authors' checkpoints under their names."""

import pytest
import torch

from bokehbench.renderers.defocus_to_focus.parts import Parts, _FirstStage, _SecondStage


@pytest.fixture(scope="module")
def compact(tmp_path_factory):
    """A folder as a training saves it."""
    folder = tmp_path_factory.mktemp("compact")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        Parts.compact().save(folder, "code")
    return folder


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with the authors' two checkpoints: one of a training, with its optimiser, one of weights alone."""
    folder = tmp_path_factory.mktemp("published")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save({"net": _FirstStage().state_dict(), "optimizer": {}, "epoch": 3}, folder / "bokeh.pth")
        torch.save(_SecondStage().state_dict(), folder / "blend.pth")
    return folder
