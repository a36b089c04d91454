"""Compact models on disk: in half precision, with one autoencoder for all of them."""

import json
import shutil

import pytest
import torch
from torch import nn

from bokehbench.core.errors import InvalidOptionError, MissingWeightsError
from bokehbench.renderers.bokehdiff import weight_files
from bokehbench.renderers.bokehdiff.checkpoints import load_checkpoint, save_compact
from bokehbench.renderers.bokehdiff.models.compact import build_compact
from bokehbench.renderers.registry import load_renderer

NETWORK = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def weights(monkeypatch, tmp_path):
    """Where shipped weights lie."""
    monkeypatch.setattr(weight_files, "SHIPPED", tmp_path / "weights")
    return tmp_path / "weights"


@pytest.fixture
def family(make_trained, weights):
    """The full model and an ablation with its autoencoder, saved."""
    models = {name: make_trained(name) for name in ("bokehdiff", "bokehdiff-no-coc")}
    for name, pipeline in models.items():
        save_compact(pipeline, weights / name)
    return models


def halved(module):
    return {name: tensor.half().float() for name, tensor in module.state_dict().items()}


def test_what_is_saved_comes_back_in_half_precision(family, weights):
    for name, pipeline in family.items():
        loaded = load_checkpoint(name, None, torch.float32).pipeline
        assert loaded.active_settings == pipeline.active_settings
        for part in ("unet", "vae", "prompt"):
            state = getattr(loaded, part).state_dict()
            assert all(torch.equal(state[key], tensor) for key, tensor in halved(getattr(pipeline, part)).items())
        assert loaded.vae.config.scaling_factor == pipeline.vae.config.scaling_factor
        assert pipeline.unet.dtype == torch.float32, "the model that trains on is left alone"


def test_one_autoencoder_serves_all(family, weights):
    assert len(list(weights.rglob(NETWORK))) == 1 + 2 * 2
    for name in family:
        assert json.loads((weights / name / "shared.json").read_text()) == {"vae": "autoencoder"}
        assert not (weights / name / "vae").exists()


def test_sharing_changes_no_pixel_and_no_label(make_trained, make_scene, tmp_path):
    pipeline, scene = make_trained(), make_scene(32, 48, blur_strength=20.0)
    save_compact(pipeline, tmp_path / "shared" / "mine")
    save_compact(pipeline, tmp_path / "whole" / "mine", share_autoencoder=False)
    shared, whole = (load_renderer(f"bokehdiff@{tmp_path / place / 'mine'}") for place in ("shared", "whole"))
    assert torch.equal(shared.render(scene), whole.render(scene))
    assert shared.weights == whole.weights


def test_label_follows_the_shared_autoencoder(family, weights):
    before = load_renderer("bokehdiff-no-coc").weights
    vae = load_checkpoint("bokehdiff", None, torch.float16).pipeline.vae
    nn.init.normal_(vae.decoder.conv_out.bias)
    vae.half().save_pretrained(weights / "autoencoder")
    assert load_renderer("bokehdiff-no-coc").weights != before


def test_another_autoencoder_is_not_put_in_its_place(family, make_trained, weights):
    other = make_trained("bokehdiff-t249", seed=1)
    before = (weights / "autoencoder" / NETWORK).read_bytes()
    with pytest.raises(InvalidOptionError, match="holds another autoencoder"):
        save_compact(other, weights / "bokehdiff-t249")
    assert (weights / "autoencoder" / NETWORK).read_bytes() == before
    assert not (weights / "bokehdiff-t249").exists()
    save_compact(other, weights / "bokehdiff-t249", share_autoencoder=False)
    assert load_checkpoint("bokehdiff-t249", None, torch.float32).pipeline.active_settings.timestep == 249


def test_saved_again_without_sharing_the_folder_is_whole(family, weights, tmp_path):
    save_compact(family["bokehdiff"], weights / "bokehdiff", share_autoencoder=False)
    shutil.rmtree(weights / "autoencoder")
    load_checkpoint("bokehdiff", None, torch.float32)


def test_shared_autoencoder_that_is_absent(family, weights):
    shutil.rmtree(weights / "autoencoder")
    with pytest.raises(MissingWeightsError, match=r"autoencoder: not there, and .*shared\.json needs it") as caught:
        load_renderer("bokehdiff").prepare()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "stated",
    [
        {"vae": "../autoencoder"},
        {"vae": ".."},
        {"vae": "/etc"},
        {"vae": "a/b"},
        {"vae": ""},
        {"vae": ["autoencoder"]},
        {"unet": "autoencoder"},
        {"vae": "autoencoder", "unet": "other"},
        {},
    ],
)
def test_only_a_folder_beside_its_own_can_be_named(family, weights, stated):
    (weights / "bokehdiff" / "shared.json").write_text(json.dumps(stated))
    with pytest.raises(InvalidOptionError, match=r"shared\.json: expected"):
        load_checkpoint("bokehdiff", None, torch.float32)


@pytest.mark.parametrize("content", ["[]", "{", '"autoencoder"'])
def test_shared_file_that_is_no_object(family, weights, content):
    (weights / "bokehdiff" / "shared.json").write_text(content)
    with pytest.raises(InvalidOptionError, match=r"shared\.json: expected JSON"):
        load_checkpoint("bokehdiff", None, torch.float32)


def test_sizes_in_half_precision(tmp_path):
    """23 MB for the first model of the default size and 16 MB for every other."""
    save_compact(build_compact("bokehdiff-plus"), tmp_path / "bokehdiff-plus")
    assert (tmp_path / "autoencoder" / NETWORK).stat().st_size < 8e6
    assert sum(path.stat().st_size for path in (tmp_path / "bokehdiff-plus").rglob("*")) < 16e6


def test_weights_that_ship_stay_small():
    assert sum(path.stat().st_size for path in weight_files.SHIPPED.rglob("*") if path.is_file()) < 60e6


def test_files_do_not_say_where_the_model_was_loaded_from(family, weights, tmp_path):
    loaded = load_checkpoint(next(iter(family)), None, torch.float32).pipeline
    save_compact(loaded, tmp_path / "again" / "mine")
    for path in (tmp_path / "again").rglob("*.json"):
        assert str(weights) not in path.read_text()


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_shipped_autoencoder_gives_uniform_pictures_alike_in_both_layouts(value):
    """Group normalisation in channels_last loses precision on the CPU where a mean is far above its spread."""
    pipeline = load_checkpoint("bokehdiff", None, torch.float32).pipeline
    picture, decoded = torch.full((1, 3, 64, 96), value), []
    for layout in (torch.contiguous_format, torch.channels_last):
        pipeline.vae.to(memory_format=layout)
        with torch.no_grad():
            decoded.append(pipeline.decode(pipeline.encode(picture)))
    assert float((decoded[0] - decoded[1]).abs().max()) < 2e-5
