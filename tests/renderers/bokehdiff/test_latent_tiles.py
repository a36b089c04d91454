"""Tiles cover the picture and their blend has no seams."""

import itertools
import weakref
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from bokehbench.renderers.bokehdiff.compact import build_compact
from bokehbench.renderers.bokehdiff.latent_tiles import (
    STRIDE,
    Tile,
    blend_tiles,
    cover_with_tiles,
    estimate_peak_bytes,
    free_bytes,
)
from bokehbench.renderers.bokehdiff.processors import PisaProcessor
from bokehbench.renderers.bokehdiff.time_sdxl import build_random_sdxl
from bokehbench.renderers.errors import InvalidOptionError


def build_compact_on_meta():
    with torch.device("meta"):
        return build_compact()


@pytest.mark.parametrize(
    ("height", "width", "side"), [(64, 64, 64), (64, 200, 64), (100, 60, 16), (52, 4, 8), (256, 128, 128)]
)
def test_tiles_cover_everything_and_overlap(height, width, side):
    tiles = cover_with_tiles(height, width, side, 4)
    covered = torch.zeros(height, width)
    for tile in tiles:
        assert tile.top % 4 == tile.left % 4 == 0
        assert tile.cut(covered).shape == (tile.height, tile.width) == (min(side, height), min(side, width))
        tile.cut(covered).add_(1)
    assert float(covered.min()) >= 1
    tops = sorted({tile.top for tile in tiles})
    assert tops[-1] + tiles[0].height == height
    assert all(b - a <= STRIDE * side for a, b in itertools.pairwise(tops))


def test_one_tile_where_the_picture_fits():
    assert cover_with_tiles(40, 60, 64, 4) == [Tile(0, 0, 40, 60)]


@pytest.mark.parametrize("side", [0, 6, -4])
def test_impossible_side(side):
    with pytest.raises(InvalidOptionError, match="positive multiple of 4"):
        cover_with_tiles(64, 64, side, 4)


def test_tile_cuts_the_px_below_its_latents():
    maps = torch.arange(32 * 48).reshape(32, 48)
    assert torch.equal(Tile(1, 2, 3, 4).cut(maps, 8), maps[8:32, 16:48])


def test_local_network_agrees_in_the_interior_and_nearly_at_the_seams():
    """Three 3 x 3 convolutions see 3 latent px: beyond that from every tile's edge, tiled equals untiled."""
    torch.manual_seed(0)
    kernels, z = [torch.randn(4, 4, 3, 3) / 6 for _ in range(3)], torch.randn(1, 4, 64, 96)

    def network(x):
        for kernel in kernels:
            x = F.conv2d(x, kernel, padding=1)
        return x

    tiles = cover_with_tiles(64, 96, 32, 4)
    whole, tiled = network(z), blend_tiles(lambda tile: network(tile.cut(z)), tiles, z)
    exact = torch.ones(64, 96, dtype=torch.bool)
    for tile in tiles:
        inner = torch.zeros(64, 96, dtype=torch.bool)
        top, left = (0 if edge == 0 else edge + 3 for edge in (tile.top, tile.left))
        bottom = 64 if tile.top + tile.height == 64 else tile.top + tile.height - 3
        right = 96 if tile.left + tile.width == 96 else tile.left + tile.width - 3
        inner[top:bottom, left:right] = True
        touched = torch.zeros(64, 96, dtype=torch.bool)
        tile.cut(touched).fill_(True)
        exact &= inner | ~touched
    assert 0.3 < float(exact.float().mean()) < 1.0
    error = (whole - tiled).abs()[0].amax(0)
    assert float(error[exact].max()) < 1e-5
    assert float(error.mean()) < 0.1 * float(whole.abs().mean())


def test_blend_of_constants_is_constant_and_weighs_the_centre_most():
    like, tiles = torch.zeros(1, 1, 8, 56), cover_with_tiles(8, 56, 32, 4)
    assert len(tiles) == 2
    same = blend_tiles(lambda tile: torch.full((1, 1, tile.height, tile.width), 3.0), tiles, like)
    assert torch.allclose(same, torch.tensor(3.0))
    ramp = blend_tiles(lambda tile: torch.full((1, 1, tile.height, tile.width), float(tile.left > 0)), tiles, like)[
        0, 0, 4
    ]
    assert float(ramp[0]) == 0
    assert float(ramp[-1]) == 1
    assert bool((ramp.diff() >= 0).all())
    assert float(ramp.diff().max()) < 0.5


def test_estimate_grows_with_the_picture_and_the_number_type():
    vae, unet = {"block_out_channels": (128, 256)}, {"block_out_channels": (320, 640, 1280), "layers_per_block": 2}
    unet["down_block_types"] = ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D")
    small = estimate_peak_bytes(vae, unet, 512**2, 64**2, (4, 2), 0)
    assert estimate_peak_bytes(vae, unet, 4 * 512**2, 4 * 64**2, (4, 2), 0) == 4 * small
    assert estimate_peak_bytes(vae, unet, 512**2, 64**2, (2, 2), 0) < small
    assert estimate_peak_bytes(vae, unet, 512**2, 64**2, (4, 2), 10**9) > 10**10


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensors that live at once; runs on meta tensors, so at any size."""

    def __init__(self, networks):
        super().__init__()
        self.now = self.peak = 0
        self._seen = {p.untyped_storage()._cdata for network in networks for p in network.parameters()}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (list, tuple)) else [result]:
            if isinstance(tensor, torch.Tensor) and tensor.untyped_storage()._cdata not in self._seen:
                self._watch(tensor.untyped_storage())
        return result

    def _watch(self, storage):
        self._seen.add(storage._cdata)
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._release, storage._cdata, storage.nbytes())

    def _release(self, key, size):
        self._seen.discard(key)
        self.now -= size


@pytest.mark.parametrize(
    "build", [lambda: build_random_sdxl(torch.device("meta"), torch.float16), build_compact_on_meta]
)
def test_estimate_bounds_what_the_networks_hold(build, monkeypatch):
    """At 1024 x 1024 px; attention is left out, as fused attention holds no more than its result."""
    pipeline = build()
    monkeypatch.setattr(F, "scaled_dot_product_attention", lambda q, k, v, **options: torch.empty_like(q))
    monkeypatch.setattr(
        PisaProcessor, "__call__", lambda self, attn, x, *rest, **more: attn.to_out[0](torch.empty_like(x))
    )
    measured = 0
    with torch.device("meta"), torch.no_grad():
        image = torch.zeros(1, 3, 1024, 1024)
        z = torch.zeros(1, pipeline.vae.config.latent_channels, *(1024 // pipeline.latent_pitch_px,) * 2)
        tokens, added = pipeline._conditions(z, Tile(0, 0, *z.shape[-2:]))
        unet = partial(pipeline.unet, z.to(pipeline.unet.dtype), torch.tensor(499), tokens, added_cond_kwargs=added)
        for run in (partial(pipeline.encode, image), partial(pipeline.decode, z), unet):
            with LiveBytes([pipeline.vae, pipeline.unet]) as live:
                run()
            measured = max(measured, live.peak)
    pixels = 1024**2 // pipeline.active_settings.pixel_unshuffle**2
    itemsizes = (pipeline.vae.dtype.itemsize, pipeline.unet.dtype.itemsize)
    estimate = estimate_peak_bytes(pipeline.vae.config, pipeline.unet.config, pixels, z[0, 0].numel(), itemsizes, 0)
    assert measured < estimate < 3 * measured


def test_this_machine_has_free_memory():
    assert free_bytes(torch.device("cpu")) > 10**7
