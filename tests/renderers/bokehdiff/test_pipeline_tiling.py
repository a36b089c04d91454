"""Tiles: when a picture is cut, decided by its size alone, and what that changes."""

import dataclasses

import psutil
import torch

from bokehbench.renderers.bokehdiff import pipeline as pipeline_module
from bokehbench.renderers.diffusion import tiling


def test_one_tile_is_the_untiled_pass(make_trained, picture):
    pipeline = make_trained()
    untiled = pipeline(*picture, 0.9, 8.0, tiling="never").images
    assert torch.equal(pipeline(*picture, 0.9, 8.0, tiling="always", tile_latents=20).images, untiled)


def test_tiles_of_a_network_that_predicts_nothing_change_nothing(compact):
    image, disparity = torch.rand(1, 3, 48, 80), torch.rand(1, 1, 48, 80)
    z, tiles = compact.encode(image), pipeline_module.cover_with_tiles(12, 20, 8, 4)
    assert len(tiles) > 4
    whole, pieces = (compact.denoise(z, disparity, 9 * disparity, t) for t in (None, tiles))
    assert torch.allclose(whole, pieces, atol=1e-5)


def test_the_size_of_the_picture_decides_about_tiles(make_trained, picture, plans, monkeypatch):
    pipeline = make_trained()
    grids = 2  # of tokens, each with a plan in every tile
    assert pipeline(*picture, 0.9, 8.0, tile_latents=12).tile_latents is None
    assert len(plans) == grids
    monkeypatch.setattr(tiling, "ONE_PASS_PX", 80 * 64)  # the padded picture
    assert pipeline(*picture, 0.9, 8.0, tile_latents=12).tile_latents is None
    monkeypatch.setattr(tiling, "ONE_PASS_PX", 80 * 64 - 1)
    output = pipeline(*picture, 0.9, 8.0, tile_latents=12)
    assert output.tile_latents == 12
    assert len(plans) > 3 * grids
    assert output.images.shape == (1, 3, 70, 53)
    monkeypatch.undo()
    pipeline(*picture, 0.9, 8.0)
    assert not pipeline.vae.use_tiling


def test_the_picture_does_not_depend_on_free_memory(make_trained, picture, monkeypatch):
    pipeline, pictures = make_trained(), []
    for free in (2**40, 2**10):
        memory = psutil.virtual_memory()._replace(available=free, free=free)
        monkeypatch.setattr(psutil, "virtual_memory", lambda memory=memory: memory)
        pictures.append(pipeline(*picture, 0.9, 8.0).images)
    assert torch.equal(*pictures)


def test_without_the_circle_of_confusion_a_pass_takes_fewer_tokens(make_trained):
    near, all_pairs, vanilla = (
        make_trained(name).one_pass_latents for name in ("bokehdiff", "bokehdiff-no-coc", "bokehdiff-vanilla")
    )
    assert near == vanilla == 1536 * 1024 // 16
    assert all_pairs == 128 * 128


def test_without_any_attention_of_ours_the_size_of_a_pass_is_known(compact):
    physics = dataclasses.replace(compact.active_settings.physics, coc=False)
    compact.configure(dataclasses.replace(compact.active_settings, pisa_layers=(), physics=physics))
    assert compact.one_pass_latents > 0
