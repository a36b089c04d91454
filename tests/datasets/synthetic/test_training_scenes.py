import numpy as np
import pytest
import torch
from PIL import Image

from bokehbench.core.errors import MissingDataError
from bokehbench.core.optics import GAMMA
from bokehbench.datasets.synthetic.layers import pinhole
from bokehbench.datasets.synthetic.random_scenes import RandomScenes, SynthesisSettings
from bokehbench.datasets.synthetic.training_scenes import SyntheticScenes


def scenes(settings, **changes):
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    return SyntheticScenes(SynthesisSettings(**(values | changes)))


def test_samples_are_reproducible_and_differ(settings):
    first, again = scenes(settings)[3], scenes(settings)[3]
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["image"], scenes(settings)[4]["image"])
    assert not torch.equal(first["image"], scenes(settings, seed=1)[3]["image"])


def test_a_sample_is_a_scene(settings):
    for index in range(6):
        sample = scenes(settings)[index]
        assert sample["image"].shape == sample["target"].shape == (3, 32, 32)
        assert sample["disparity"].shape == (1, 32, 32)
        assert 0.0 < float(sample["disparity"].min()) <= float(sample["disparity"].max()) < 1.0
        for picture in (sample["image"], sample["target"]):
            assert picture.dtype == torch.float32
            assert 0.0 <= float(picture.min()) <= float(picture.max()) <= 1.0


def test_the_given_blur_strength_gives_the_drawn_radius(settings):
    for index in range(8):
        sample = scenes(settings, radius_px=(5.0, 5.0))[index]
        defocus = sample["blur_strength"] * (sample["disparity"] - sample["focus_disparity"])
        assert float(defocus.abs().max()) == pytest.approx(5.0, rel=1e-4)


def test_without_blur_the_target_is_the_picture(settings):
    sample = scenes(settings, radius_px=(0.0, 0.0))[0]
    assert torch.allclose(sample["image"], sample["target"], atol=2e-3)


def test_a_sharp_layer_stays_and_the_others_blur(settings):
    changes = {"radius_px": (6.0, 6.0), "planes": (1, 1), "max_facing_angle": 0.0}
    for index in range(10):
        sample = scenes(settings, **changes)[index]
        defocus = sample["blur_strength"] * (sample["disparity"] - sample["focus_disparity"])
        behind = defocus[0].abs() < 0.01
        error = (sample["image"] - sample["target"]).abs().amax(dim=0)
        if behind.any() and float(defocus.max()) < 1.0:  # nothing lies before the focal plane
            assert float(error[behind].max()) < 0.02


def test_picture_is_the_composite_of_the_layers(settings):
    data = scenes(settings)
    scene = RandomScenes(data.settings).draw(2)
    linear, disparity, _ = pinhole(scene.layers, 32, 32)
    sample = data[2]
    assert np.allclose(sample["image"].numpy().transpose(1, 2, 0), np.clip(linear, 0, 1) ** (1 / GAMMA), atol=1e-6)
    assert np.array_equal(sample["disparity"][0].numpy(), disparity)


def test_absent_and_unsuitable_files(settings, tmp_path):
    with pytest.raises(MissingDataError, match="expected a folder with pictures"):
        scenes(settings, photographs=(str(tmp_path),))
    Image.new("RGB", (8, 8)).save(tmp_path / "opaque.png")
    with pytest.raises(MissingDataError, match="transparency"):
        scenes(settings, cutouts=(str(tmp_path),))[0]
    (tmp_path / "opaque.png").write_bytes(b"not a picture")
    with pytest.raises(MissingDataError, match=r"opaque\.png"):
        scenes(settings, cutouts=(str(tmp_path),))[0]
