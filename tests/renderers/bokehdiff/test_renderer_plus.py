"""bokehdiff-plus and -blend as renderers: the base picture, what is kept in focus, which weights they take."""

import pytest
import torch

from bokehbench.core.errors import InvalidOptionError
from bokehbench.renderers.bokehdiff.checkpoints import load_checkpoint
from bokehbench.renderers.registry import load_renderer


@pytest.fixture
def plus_folder(plus, no_shipped):
    """Shipped weights of bokehdiff-plus, untrained: what it renders is its base."""
    plus.save_pretrained(no_shipped / "bokehdiff-plus")
    return no_shipped / "bokehdiff-plus"


def test_plus_starts_from_the_base_renderers_picture(plus_folder, make_scene):
    """A scene without anything in focus, so that nothing is kept."""
    scene = make_scene(32, 48, focus_disparity=-1.0, blur_strength=6.0)
    base = load_renderer("classical-occlusion").render(scene)
    assert torch.allclose(load_renderer("bokehdiff-plus").render(scene), base, atol=1e-5)
    renderer = load_renderer("bokehdiff-plus-latent")
    output = renderer.render(scene)
    with torch.no_grad():
        expected = renderer.pipeline.decode(renderer.pipeline.encode(base[None]))[0].clamp(0, 1)
    assert torch.allclose(output, expected, atol=1e-5)


def test_plus_keeps_what_is_in_focus_and_no_blend_does_not(plus, no_shipped, make_scene):
    torch.nn.init.normal_(plus.unet.conv_out.weight, std=0.1)
    plus.save_pretrained(no_shipped / "bokehdiff-plus")
    scene = make_scene(32, 48, blur_strength=0.0)
    plus, no_blend = load_renderer("bokehdiff-plus"), load_renderer("bokehdiff-plus-no-blend")
    assert torch.equal(plus.render(scene), scene.image)
    assert (no_blend.render(scene) - scene.image).abs().max() > 0.01
    assert no_blend.weights == plus.weights
    assert no_blend.weights.startswith("bokehdiff-plus ")
    assert "trained as" not in no_blend.weights
    settings = no_blend.pipeline.active_settings
    assert (settings.in_focus_blend_px, settings.trained_as) == (0.0, "bokehdiff-plus")


def test_blend_is_the_full_model_that_keeps_what_is_in_focus(no_shipped, make_trained, make_scene):
    make_trained().save_pretrained(no_shipped / "bokehdiff")
    scene = make_scene(32, 48, focus_disparity=0.2)
    full, blend = load_renderer("bokehdiff"), load_renderer("bokehdiff-blend")
    difference = (full.render(scene) - blend.render(scene)).abs().amax(dim=0)
    assert full.weights == blend.weights
    assert difference[0, 0] > 0.01  # in focus, far from the near square
    assert difference[16, 24] == 0.0  # blurred


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_plus_on_the_gpu_takes_its_base_from_where_that_runs(plus_folder, make_scene):
    scene, on_gpu = make_scene(32, 48), load_renderer("bokehdiff-plus")
    on_gpu.prepare("cuda")
    assert torch.allclose(on_gpu.render(scene).cpu(), load_renderer("bokehdiff-plus").render(scene), atol=0.02)


def test_plus_and_the_full_model_take_the_weights_they_can(plus_folder, compact_folder):
    loaded = load_checkpoint("bokehdiff", str(plus_folder), torch.float32)
    assert loaded.pipeline.active_settings.base == "classical-occlusion"
    assert loaded.label.endswith(", trained as bokehdiff-plus")
    with pytest.raises(InvalidOptionError, match="bokehdiff-plus differs in its training only"):
        load_checkpoint("bokehdiff-plus", str(compact_folder), torch.float32)
