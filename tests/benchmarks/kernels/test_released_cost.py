"""The released cost structure: the same attention, more of it."""

import torch

from bokehbench.benchmarks.kernels import released_cost
from bokehbench.benchmarks.kernels.released_cost import as_released
from bokehbench.renderers.bokehdiff.pipeline import BokehDiffPipeline


def maps(side):
    generator = torch.Generator().manual_seed(0)
    disparity = torch.linspace(0.0, 1.0, side).expand(1, 1, side, side)
    return torch.rand(1, 3, side, side, generator=generator), disparity, 0.5, 10.0


def test_untiled_it_gives_our_picture_and_computes_occlusion_in_every_call(make_trained, monkeypatch):
    ours = make_trained(output_form="residual")
    with torch.no_grad():
        expected = ours(*maps(64), tiling="never").images
    calls = []
    count = released_cost.visibility_dense
    monkeypatch.setattr(
        released_cost, "visibility_dense", lambda *args, **options: calls.append(args) or count(*args, **options)
    )
    released = as_released(ours)
    found = released(*maps(64)).images
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)
    assert not torch.equal(expected, torch.zeros_like(expected))
    assert len(calls) == released.attention_calls
    assert released.attention_calls % 2 == 0, "self- and cross-attentions"


def test_large_pictures_are_tiled_as_released(make_trained, monkeypatch):
    released = as_released(make_trained(output_form="residual"))
    side = 16
    monkeypatch.setattr(released_cost, "RELEASED_TILE_LATENTS", side)
    monkeypatch.setattr(released_cost, "UNTILED_LATENTS", side**2)
    seen = []
    predict = released._predict
    monkeypatch.setattr(
        released, "_predict", lambda z, d, b, tile, *rest: seen.append(tile) or predict(z, d, b, tile, *rest)
    )
    released(*maps(24 * released.latent_pitch_px))
    assert {(tile.height, tile.width) for tile in seen} == {(side, side)}
    assert len(seen) == 4


def test_our_attention_can_be_had_back(make_trained):
    ours = make_trained(output_form="residual")
    expected = ours(*maps(32)).images
    as_released(ours)
    parts = {name: getattr(ours, name) for name in ("vae", "unet", "scheduler", "prompt")}
    again = BokehDiffPipeline(**parts, settings=ours.active_settings.to_json())
    assert torch.equal(again(*maps(32)).images, expected)
