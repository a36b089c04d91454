"""The memory estimate bounds what the networks hold, and grows as they do."""

import weakref
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from bokehbench.benchmarks.kernels.bench_sdxl import build_random_sdxl
from bokehbench.renderers.attention.diffusers_layers import PisaProcessor
from bokehbench.renderers.bokehdiff.models.compact import build_compact
from bokehbench.renderers.diffusion.memory import estimate_peak_bytes, free_bytes
from bokehbench.renderers.diffusion.tiling import Tile


def build_compact_on_meta():
    with torch.device("meta"):
        return build_compact()


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
