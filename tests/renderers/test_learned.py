"""LearnedRenderer: what a network with a checkpoint shares, tried on one that is a single number in a file."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from bokehbench.core.errors import MissingWeightsError
from bokehbench.renderers.interface import Capabilities
from bokehbench.renderers.learned import LearnedRenderer, freeze


@dataclass(frozen=True)
class OneFile:
    name: str
    folder: Path

    @property
    def paths(self):
        return [self.folder / "gain.json"]


class Gain(LearnedRenderer[OneFile]):
    """Multiplies the picture by the number in CHECKPOINT/gain.json."""

    name = "gain"
    capabilities = Capabilities(inputs=frozenset({"picture", "f-number"}))

    def __init__(self, checkpoint):
        super().__init__(None, checkpoint)
        self.asked, self.sizes = [], []

    def find_weights(self, *, download):
        self.asked.append(download)
        files = OneFile("one", Path(self.checkpoint))
        if not files.paths[0].is_file():
            raise MissingWeightsError(f"{files.paths[0]}: not there: get it")
        return files

    def _load_networks(self, files):
        self.gain = json.loads(files.paths[0].read_text())

    def _render(self, scene, seed):
        self.sizes.append(tuple(scene.image.shape))
        return scene.image * self.gain


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "gain.json").write_text("0.5")
    return tmp_path


def test_label_is_known_before_loading_and_changes_with_the_files(folder):
    renderer = Gain(folder)
    label = renderer.weights
    assert label.startswith("one ")
    assert renderer.asked == [False], "a name costs no download"
    renderer.prepare()
    assert renderer.weights == label
    (folder / "gain.json").write_text("0.6")
    assert Gain(folder).weights != label


def test_absent_weights_are_no_label_and_cannot_be_prepared(tmp_path):
    renderer = Gain(tmp_path)
    assert (renderer.weights, renderer.training) == (None, None)
    for ask in (renderer.fetch, renderer.prepare):
        with pytest.raises(MissingWeightsError, match=r"gain\.json: not there: get it"):
            ask()
    assert renderer.asked == [False, False, True, True]


def test_prepare_renders_a_tiny_scene_with_whatever_is_asked_for(folder, make_scene):
    renderer = Gain(folder)
    renderer.prepare()
    assert renderer.sizes == [(3, 32, 32)]
    scene = make_scene(f_number=2.0)
    assert torch.equal(renderer.render(scene), scene.image * 0.5)


def test_training_is_the_records_summary(folder):
    assert Gain(folder).training is None
    (folder / "training.json").write_text('{"summary": "by hand"}')
    assert Gain(folder).training == "by hand"


def test_frozen_network_trains_no_more():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Dropout())
    freeze(network, channels_last=True)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
