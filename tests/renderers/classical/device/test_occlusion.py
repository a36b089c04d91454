"""The rays as PyTorch operations against the compiled ones: the same pictures, the same bits each time."""

from functools import partial

import numpy as np
import pytest
import torch

from bokehbench.renderers.classical import occlusion
from bokehbench.renderers.classical.cpu.highlights import split_off
from bokehbench.renderers.classical.cpu.reach import plan_tiles
from bokehbench.renderers.classical.device import highlights as device_highlights
from bokehbench.renderers.classical.device import march as device_march
from bokehbench.renderers.classical.device.reach import plan_on_device
from bokehbench.renderers.classical.occlusion import OcclusionRenderer
from bokehbench.renderers.classical.surfaces import NOTHING, whole_pixels
from bokehbench.renderers.interface import Scene


class TorchRays(OcclusionRenderer):
    """The device path, on CPU tensors."""

    def _load(self):
        super()._load()
        self._on_device = True


def psnr(a, b):
    return -10.0 * np.log10(max(float(((a - b) ** 2).mean()), 1e-20))


def lit_scene(focus, blur_strength=7.0):
    """A near square with soft edges before a slanted plane, both textured, with lamps on either; 40x52 px."""
    generator = torch.Generator().manual_seed(5)
    near = torch.zeros(40, 52)
    near[10:28, 18:40] = 1.0
    near[9, 18:40] = near[28, 18:40] = 0.4
    plane = torch.linspace(0.0, 0.3, 52).repeat(40, 1)
    image = 0.3 + 0.4 * torch.rand(3, 40, 52, generator=generator)
    for y, x in ((5, 8), (20, 17), (20, 22), (9, 30), (36, 48)):
        image[:, y, x] = torch.tensor([4.0, 3.0, 2.0])
    return Scene(
        name="lit",
        image=image,
        disparity=(near + (1.0 - near) * plane)[None],
        focus_disparity=focus,
        blur_strength=blur_strength,
    )


@pytest.mark.parametrize("focus", [0.1, 0.5, 1.0])
def test_agrees_with_the_compiled_rays(focus):
    """Up to the order in which float32 sums are taken: far over 60 dB."""
    scene = lit_scene(focus)
    assert psnr(TorchRays().render(scene), OcclusionRenderer().render(scene)) > 90.0


def test_agrees_with_another_number_of_rays():
    scene = lit_scene(0.5, blur_strength=5.0)
    assert psnr(TorchRays(samples=512).render(scene), OcclusionRenderer(samples=512).render(scene)) > 60.0


@pytest.mark.parametrize(
    ("step", "without_it"),
    [
        ("split_edges", whole_pixels),
        ("complete_background", lambda surfaces: surfaces),
        ("split_off", partial(split_off, largest_share=0.0)),
    ],
)
def test_agrees_on_other_surfaces(step, without_it, monkeypatch):
    """Whole pixels, nothing behind them, no highlights."""
    monkeypatch.setattr(occlusion, step, without_it)
    scene = lit_scene(0.5, blur_strength=5.0)
    assert psnr(TorchRays().render(scene), OcclusionRenderer().render(scene)) > 60.0


def test_gives_the_same_bits_each_time_and_in_any_blocks(monkeypatch):
    scene = lit_scene(0.5)
    whole = TorchRays().render(scene)
    assert torch.equal(TorchRays().render(scene), whole)
    monkeypatch.setattr(device_march, "RAYS_AT_ONCE", 1)
    monkeypatch.setattr(device_highlights, "PIXELS_AT_ONCE", 1)
    assert torch.equal(TorchRays().render(scene), whole)


@pytest.mark.parametrize("edges_everywhere", [False, True])
def test_plans_equal(edges_everywhere):
    rng = np.random.default_rng(0)
    defocus = rng.uniform(-3.0, 25.0, (50, 70, 2)).astype(np.float32) * (np.arange(70) > 55)[None, :, None]
    defocus[..., 1] = np.where(rng.random((50, 70)) < 0.7, NOTHING, defocus[..., 1])
    edges = rng.random((50, 70)) < (1.0 if edges_everywhere else 0.002)
    ours = plan_on_device(torch.from_numpy(defocus), torch.from_numpy(edges))
    truth = plan_tiles(defocus, edges)
    assert np.array_equal(ours.lens_of_tile.numpy(), truth.lens_of_tile)
    assert np.array_equal(ours.counts.numpy(), truth.counts)
    valid = np.arange(truth.looks.shape[2]) < truth.counts[..., None]
    assert np.array_equal(ours.looks.numpy()[valid], truth.looks[valid])


def test_says_which_rays_it_marched():
    compiled = OcclusionRenderer()
    compiled.prepare()
    assert compiled.backend == "rays: compiled for the CPU; scatter: spans, compiled for the CPU"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_gpu_and_cpu_agree():
    renderer = OcclusionRenderer()
    renderer.prepare("cuda")
    scene = lit_scene(0.5)
    on_gpu = renderer.render(scene)
    assert psnr(on_gpu.cpu(), OcclusionRenderer().render(scene)) > 60.0
    assert torch.equal(renderer.render(scene), on_gpu)
