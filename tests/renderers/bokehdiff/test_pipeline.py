"""The pipeline around PISA: what one pass computes, in which units, and what comes back from disk."""

import dataclasses
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bokehbench.core.errors import InvalidOptionError
from bokehbench.core.timing import StageClock
from bokehbench.renderers.bokehdiff.checkpoints import load_saved
from bokehbench.renderers.bokehdiff.pipeline import BokehDiffPipeline
from bokehbench.renderers.bokehdiff.settings import PipelineSettings, check_networks


def reconstruct(pipeline, image):
    """The autoencoder alone, written out: fold, posterior's mean, unfold."""
    height, width = image.shape[-2:]
    padded = F.pad(image, [0, -width % 16, 0, -height % 16], mode="replicate")
    posterior = pipeline.vae.encode(F.pixel_unshuffle(2 * padded - 1, 4)).latent_dist
    decoded = F.pixel_shuffle(pipeline.vae.decode(posterior.mean).sample, 4)
    return (decoded / 2 + 0.5)[..., :height, :width].clamp(0, 1)


@torch.no_grad()
def test_untrained_compact_model_returns_the_reconstruction(compact, picture):
    output = compact(*picture, 0.9, 8.0).images
    assert torch.allclose(output, reconstruct(compact, picture[0]), atol=1e-5)


def test_eq_1_with_sdxls_noise_schedule(compact):
    assert math.sqrt(compact.scheduler.alphas_cumprod[499]) == pytest.approx(0.5269, abs=5e-5)
    assert math.sqrt(1 - compact.scheduler.alphas_cumprod[499]) == pytest.approx(0.8499, abs=5e-5)
    nn.init.constant_(compact.unet.conv_out.bias, 0.1)  # with zero weights: a network that predicts 0.1 everywhere
    z, maps = torch.randn(1, 16, 8, 8), torch.full((1, 1, 32, 32), 0.5)
    assert torch.allclose(compact.denoise(z, maps, maps), z - 0.8499 / 0.5269 * 0.1, atol=1e-3)
    compact.configure(dataclasses.replace(compact.active_settings, output_form="noise"))
    assert torch.allclose(compact.denoise(z, maps, maps), (z - 0.8499 * 0.1) / 0.5269, atol=1e-3)


def denoise(pipeline, z, maps):
    return pipeline.denoise(z, maps, maps, colours=pipeline.token_colours(maps.expand(-1, 3, -1, -1)))


def test_untrained_gates_are_nearly_closed(make_trained):
    pipeline = make_trained()
    nn.init.zeros_(pipeline.unet.conv_out.weight)  # as it is built
    blurred = torch.full((1, 16, 8, 8), 0.3)
    pipeline.register_modules(colour_encoder=lambda colours: blurred)
    z, maps = torch.randn(1, 16, 8, 8), torch.full((1, 1, 32, 32), 0.5)
    expected = torch.lerp(z, blurred, 1.0 / (1.0 + math.exp(3.0)))
    assert torch.allclose(denoise(pipeline, z, maps), expected, atol=1e-6)


def test_loaded_weights_lie_where_sums_start_alike(compact_folder):
    loaded = BokehDiffPipeline.from_pretrained(compact_folder)
    networks = (loaded.unet, loaded.vae, loaded.prompt)
    assert all(weight.data_ptr() % 64 == 0 for network in networks for weight in network.parameters())


def test_gates_blend_the_latent_with_the_output(make_trained):
    pipeline = make_trained()
    nn.init.zeros_(pipeline.unet.conv_out.weight)
    nn.init.constant_(pipeline.unet.conv_out.bias[:16], 0.7)
    nn.init.constant_(pipeline.unet.conv_out.bias[16:], math.log(3.0))  # three quarters open
    pipeline.register_modules(colour_encoder=lambda colours: torch.full((1, 16, 8, 8), 0.1))
    z, maps = torch.randn(1, 16, 8, 8), torch.full((1, 1, 32, 32), 0.5)
    assert torch.allclose(denoise(pipeline, z, maps), 0.25 * z + 0.75 * (0.7 + 0.1), atol=1e-6)


def test_networks_of_another_output_form_are_refused(make_trained):
    pipeline = make_trained()
    with pytest.raises(InvalidOptionError, match=r"expected 16 input channels .* output_form, got 32"):
        pipeline.configure(dataclasses.replace(pipeline.active_settings, output_form="noise"))
    settings = dataclasses.replace(pipeline.active_settings, output_form="noise")
    configurations = {"latent_channels": 16}, {"in_channels": 16, "out_channels": 32}, pipeline.scheduler.config
    with pytest.raises(InvalidOptionError, match="expected 16 output channels for the output form noise, got 32"):
        check_networks(settings, *configurations)


@pytest.mark.parametrize("size", [(16, 16), (5, 90), (33, 17), (1, 1)])
def test_any_size(make_trained, size):
    pipeline = make_trained()
    output = pipeline(torch.rand(1, 3, *size), torch.rand(1, 1, *size), 0.5, 5.0).images
    assert output.shape == (1, 3, *size)
    assert output.dtype == torch.float32
    assert float(output.min()) >= 0
    assert float(output.max()) <= 1


def test_saved_and_loaded_it_renders_the_same_bits(make_trained, picture, tmp_path):
    pipeline = make_trained("bokehdiff-t249")
    pipeline.save_pretrained(tmp_path)
    loaded = BokehDiffPipeline.from_pretrained(tmp_path)
    assert loaded.active_settings == pipeline.active_settings
    assert loaded.active_settings.timestep == 249
    assert torch.equal(loaded(*picture, 0.9, 8.0).images, pipeline(*picture, 0.9, 8.0).images)


def test_settings_changed_later_are_saved(compact, tmp_path):
    compact.configure(dataclasses.replace(compact.active_settings, timestep=749, pitch="released"))
    compact.save_pretrained(tmp_path)
    assert BokehDiffPipeline.from_pretrained(tmp_path).active_settings.timestep == 749


def test_the_same_call_gives_the_same_bits(make_trained, picture):
    pipeline = make_trained()
    assert torch.equal(pipeline(*picture, 0.9, 8.0).images, pipeline(*picture, 0.9, 8.0).images)


def test_blur_and_focus_reach_the_picture(make_trained, picture):
    pipeline = make_trained()
    near, far, mild = (pipeline(*picture, focus, k).images for focus, k in ((0.9, 20.0), (0.2, 20.0), (0.9, 5.0)))
    assert (near - far).abs().max() > 1e-3
    assert (near - mild).abs().max() > 1e-3


def test_only_defocus_in_px_counts_not_the_scale_of_disparity(make_trained, picture):
    pipeline, (image, disparity) = make_trained(), picture
    one = pipeline(image, disparity, 0.9, 8.0).images
    other = pipeline(image, 50.0 * disparity - 7.0, 50.0 * 0.9 - 7.0, 8.0 / 50.0).images
    assert torch.allclose(one, other, atol=1e-4)


def test_focus_outside_the_range_of_disparity(make_trained, picture):
    assert bool(torch.isfinite(make_trained()(*picture, 3.0, 8.0).images).all())


def test_disparity_is_mapped_into_the_margins(compact, picture):
    mapped = compact.normalise(100.0 * picture[1])
    assert float(mapped.min()) == pytest.approx(0.01)
    assert float(mapped.max()) == pytest.approx(0.99)
    assert torch.equal(compact.normalise(torch.full((1, 1, 4, 4), 3.0)), torch.full((1, 1, 4, 4), 0.5))


def test_geometry_is_in_px_of_the_picture(compact, plans):
    disparity = torch.full((1, 1, 70, 53), 0.75)
    compact(torch.rand(1, 3, 70, 53), disparity, 0.25, 9.0)
    fine, coarse = (geometry for geometry, *_ in plans)
    assert (fine.height, fine.width) == (20, 16)  # 80 x 64 px after padding, 4 px each
    assert (coarse.height, coarse.width) == (10, 8)
    assert (fine.pitch_px, coarse.pitch_px) == ((4.0, 4.0), (8.0, 8.0))
    for geometry, physics, _seed in plans:
        assert torch.allclose(geometry.radius_px, torch.tensor(4.5))
        assert physics == compact.active_settings.physics


def test_half_the_size_with_half_the_strength_is_the_same_picture_in_smaller(compact, plans):
    disparity = torch.linspace(0.4, 1.0, 96).expand(1, 1, 64, 96)
    compact(torch.rand(1, 3, 64, 96), disparity, 0.3, 10.0)
    compact(torch.rand(1, 3, 32, 48), F.interpolate(disparity, (32, 48), mode="area"), 0.3, 5.0)
    full, half = (geometry for geometry, *_ in plans if geometry.pitch_px == (8.0, 8.0))
    pooled = F.avg_pool2d(full.radius_px.reshape(1, 1, 8, 12), 2)
    widths_px = [g.width * g.pitch_px[1] for g in (full, half)]
    assert torch.allclose(half.radius_px / widths_px[1], pooled.flatten(1) / widths_px[0])


def test_seed_draws_the_jitter_of_rays(compact, picture, plans):
    compact(*picture, 0.9, 8.0, seed=5)
    assert plans[0][2] == 5


def test_batch_equals_single_pictures(make_trained):
    pipeline = make_trained("bokehdiff-no-occlusion")  # the jitter of rays differs along the batch
    images, disparities = torch.rand(2, 3, 32, 48), torch.rand(2, 1, 32, 48)
    both = pipeline(images, disparities, 0.5, 9.0).images
    for i in range(2):
        assert torch.allclose(
            both[i : i + 1], pipeline(images[i : i + 1], disparities[i : i + 1], 0.5, 9.0).images, atol=1e-4
        )


def test_half_precision_keeps_an_upcast_autoencoder_in_float32(compact_folder, picture):
    exact = BokehDiffPipeline.from_pretrained(compact_folder)
    half = load_saved(compact_folder, torch.bfloat16)
    assert (half.vae.dtype, half.unet.dtype) == (torch.float32, torch.bfloat16)
    assert torch.allclose(half(*picture, 0.9, 8.0).images, exact(*picture, 0.9, 8.0).images, atol=0.05)


def test_gradients_reach_the_networks(make_trained, picture):
    pipeline = make_trained()
    image, disparity = (F.pad(x, [0, 11, 0, 10]) for x in picture)
    colours = pipeline.token_colours(image)
    z0 = pipeline.denoise(pipeline.encode(image), disparity, 9 * disparity, colours=colours)
    pipeline.decode(z0).mean().backward()
    to_q = next(m.to_q for name, m in pipeline.unet.named_modules() if name.endswith("attn1"))
    assert float(to_q.weight.grad.abs().max()) > 0
    assert float(pipeline.vae.encoder.conv_in.weight.grad.abs().max()) > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tiling": "sometimes"}, "expected one of auto, never, always"),
        ({"tiling": "always", "tile_latents": 10}, "multiple of 4"),
    ],
)
def test_impossible_options(compact, picture, options, message):
    with pytest.raises(InvalidOptionError, match=message):
        compact(*picture, 0.9, 8.0, **options)


def test_timestep_beyond_the_schedule(compact):
    with pytest.raises(InvalidOptionError, match="less than the scheduler's 1000, got 1000"):
        compact.configure(PipelineSettings(timestep=1000, pisa_layers=("down_blocks.1",)))


def test_scheduler_that_predicts_something_else(compact):
    compact.scheduler.register_to_config(prediction_type="v_prediction")
    with pytest.raises(InvalidOptionError, match="expected prediction_type 'epsilon'"):
        compact.configure(compact.active_settings)


def test_pass_names_its_stages(compact, make_trained):
    disparity = torch.linspace(0.0, 1.0, 32).expand(1, 1, 32, 32)
    expected = {compact: [], make_trained(): ["blur colours"]}
    for pipeline, between in expected.items():
        with StageClock(torch.device("cpu")) as clock:
            pipeline(torch.rand(1, 3, 32, 32), disparity, 0.5, 10.0)
        seconds = clock.seconds()
        assert list(seconds) == ["encode", "plan", *between, "U-Net", "attention", "decode"]
        assert min(seconds.values()) > 0
