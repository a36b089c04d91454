"""What bounds ``bokehme``: its PSNR with one part at a time replaced by the truth; and what compiled layers are worth.

    python -m pytest benchmarks/kernels/bench_bokehme.py --benchmark-only -s

Means over ``synbokeh-mini``, or over the path-traced scenes in ``BENCH_SCENES``: tests/data/pathtraced, or what
``python -m bokehbench.datasets.pathtraced --output DIR`` makes. ``BENCH_WEIGHTS``: a folder for ``bokehme@FOLDER``.
Values above 1 in a scene are clipped for all rows, as ``bokehme`` does.

``-k layers``: processor seconds of a render at 512x512, PyTorch's layers and the compiled ones by turns.
"""

import dataclasses
import os
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from bokehbench.benchmarks.latency.scene import make_latency_scene
from bokehbench.core.scene import Scene
from bokehbench.datasets.blb.files import read_blb_scene
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.renderers.bokehme.dilated_defocus import dilate_defocus
from bokehbench.renderers.bokehme.networks import ARNet, IUNet
from bokehbench.renderers.bokehme.refinement import UNIT_PX, refine
from bokehbench.renderers.bokehme.renderer import BokehMeRenderer
from bokehbench.renderers.bokehme.weight_files import find_files
from bokehbench.renderers.classical.scatter import ScatterRenderer
from bokehbench.renderers.read_weights import read_network
from bokehbench.renderers.resize import resize

WEIGHTS, SCENES = os.environ.get("BENCH_WEIGHTS"), os.environ.get("BENCH_SCENES")
REPEATS = int(os.environ.get("BENCH_REPEATS", "5"))

Pictures = dict[str, Tensor]


def load_scenes() -> Iterator[Scene]:
    if SCENES is not None:
        folders = sorted(path.parent for path in Path(SCENES).glob("*/info.json"))
        yield from (read_blb_scene(folder, 0, focus) for folder in folders for focus in (0, 1))
        return
    dataset = load_dataset("synbokeh-mini")
    dataset.prepare()
    yield from map(dataset.load, dataset.scene_names())


def psnr(picture: Tensor, target: Tensor) -> float:
    """Return the PSNR of pictures in 8 bits, as they would be saved."""
    saved, true = ((255.0 * one.clamp(0.0, 1.0)).round() / 255.0 for one in (picture, target))
    return -10.0 * float(torch.log10((saved - true).square().mean()))


def blend_best(classical: Tensor, picture: Tensor, target: Tensor) -> Tensor:
    """Blend by the error map that is best pixel by pixel, which knows the truth."""
    step = picture - classical
    share = (step * (target - classical)).sum(dim=1, keepdim=True) / step.square().sum(dim=1, keepdim=True)
    return classical + share.nan_to_num().clamp(0.0, 1.0) * step


@torch.no_grad()
def render_with_truths(arnet: ARNet, iunet: IUNet, classical: ScatterRenderer, scene: Scene) -> Pictures:
    """Return pictures (1,3,H,W) by what they show, one line of the table each."""
    image, target = scene.image[None], scene.target[None]
    maps = image, scene.defocus[None] / UNIT_PX, dilate_defocus(scene.defocus[0])[None, None] / UNIT_PX

    def true_arnet(image: Tensor, defocus: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
        return resize(target, image.shape[-2:]), arnet(image, defocus, gamma)[1]

    def true_iunet(image: Tensor, *_: object) -> Tensor:
        return resize(target, image.shape[-2:])

    base = classical.render(scene)[None]
    own = refine(arnet, iunet, *maps, scene.gamma)
    coarse = refine(true_arnet, iunet, *maps, scene.gamma).pictures[-1]  # type: ignore[arg-type]
    ideal = refine(true_arnet, true_iunet, *maps, scene.gamma).pictures[-1]  # type: ignore[arg-type]
    blend = partial(torch.lerp, base, weight=own.error)
    return {
        "classical": base,
        "bokehme": blend(own.pictures[-1]),
        "the networks' picture alone": own.pictures[-1],
        "the best error map": blend_best(base, own.pictures[-1], target),
        "the truth as ARNet's picture": blend(coarse),
        "that, and the best error map": blend_best(base, coarse, target),
        "the truth as both networks' pictures": blend(ideal),
        "the truth as the classical picture": torch.lerp(target, own.pictures[-1], own.error),
    }


def test_bound(benchmark: BenchmarkFixture) -> None:
    files, classical = find_files(WEIGHTS), ScatterRenderer()
    arnet, iunet = read_network(ARNet(), files.arnet), read_network(IUNet(), files.iunet)
    rows: dict[str, list[float]] = {}
    for given in load_scenes():
        scene = dataclasses.replace(given, image=given.image.clamp(max=1.0))  # as all that bokehme sees
        for name, picture in render_with_truths(arnet, iunet, classical, scene).items():
            rows.setdefault(name, []).append(psnr(picture, scene.target[None]))
    print()
    for name, values in rows.items():
        print(f"{name:38s} {statistics.mean(values):6.2f} dB  " + " ".join(f"{value:5.1f}" for value in values))
    benchmark.pedantic(classical.render, (scene,), rounds=1)


@pytest.mark.parametrize("radius_px", [8.0, 32.0])
def test_layers(benchmark: BenchmarkFixture, radius_px: float) -> None:
    renderer = BokehMeRenderer(checkpoint=WEIGHTS)
    scene = renderer.accept(make_latency_scene(512, 512, radius_px))
    networks = renderer._arnet, renderer._iunet
    kinds = {"PyTorch's layers": [type(one).layers.__get__(one) for one in networks]}
    kinds["compiled layers"] = [one.layers for one in networks]
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(REPEATS):
        for name, layers in kinds.items():
            for network, chosen in zip(networks, layers, strict=True):
                network.layers = chosen  # type: ignore[method-assign]
            start = time.process_time()
            renderer.render_accepted(scene)
            seconds[name].append(time.process_time() - start)
    print(f"\n512x512, {radius_px:g} px, {torch.get_num_threads()} threads, processor seconds, least and median:")
    for name, values in seconds.items():
        print(f"{name:18s} {min(values):.2f} {statistics.median(values):.2f}")
    benchmark.pedantic(renderer.render_accepted, (scene,), rounds=1)
