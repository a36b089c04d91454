import pytest
import torch

from bokehbench.datasets.catalogue import load_dataset
from bokehbench.training.scenes.export_scenes import export_scenes


def test_exported_scenes_are_a_data_set(scenes, tmp_path):
    export_scenes(scenes, 2, tmp_path)
    dataset = load_dataset("folder", tmp_path)
    dataset.prepare()
    assert len(dataset.scene_names()) == 2
    scene, sample = dataset.load(dataset.scene_names()[1]), scenes[1]
    assert torch.equal(scene.disparity, sample["disparity"])
    assert scene.blur_strength == pytest.approx(float(sample["blur_strength"]))
    assert torch.allclose(scene.target, sample["target"], atol=0.5 / 255 + 1e-6)
