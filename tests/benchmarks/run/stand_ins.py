"""A data set, a renderer and a metric in place of real ones: quick, countable, and breakable on demand."""

import torch

from bokehbench.benchmarks.metrics.interface import Metric
from bokehbench.core.errors import InvalidSceneError
from bokehbench.datasets.interface import SceneDataset
from bokehbench.renderers.interface import Capabilities, Renderer

SCENES = ("one", "two", "three <b>/.. ä")


class Scenes(SceneDataset):
    name = "scenes"
    protocol = terms = "for tests"
    damaged = ""

    def __init__(self, make_scene, scored=True):
        super().__init__()
        self.make_scene = make_scene
        self.scored = scored

    def scene_names(self):
        return SCENES

    def load(self, scene_name):
        if scene_name == self.damaged:
            raise InvalidSceneError(f"scene '{scene_name}': torn")
        scene = self.make_scene(name=scene_name, seed=SCENES.index(scene_name))
        return scene if self.scored else scene.without_target()


class Counting(Renderer):
    """Returns a dimmed input, counts its calls and does ``on_call`` first."""

    capabilities = Capabilities()

    def __init__(self, name, calls, on_call=lambda scene: None, weights=None):
        super().__init__(name)
        self.calls, self.on_call, self.weights = calls, on_call, weights

    def _load(self):
        self.calls["prepare"] += 1

    def _render(self, scene, seed):
        self.on_call(scene)
        self.calls[scene.name] += 1
        return scene.image * 0.9


class MeanDifference(Metric):
    name = "mean-difference"
    higher_is_better = False
    description = "for tests"

    def score(self, prediction, scene):
        levels = prediction * 255
        assert torch.allclose(levels, levels.round(), atol=1e-4), "metrics see the 8-bit picture"
        return float((prediction - scene.target).abs().mean())


MEAN_DIFFERENCE = (MeanDifference(),)
