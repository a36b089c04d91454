"""The learned metrics on random trunks against plain sums, and on true weights against pyiqa's published values."""

import functools
import importlib.metadata
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file

from bokehbench.benchmarks.metrics.perceptual import shrink
from bokehbench.benchmarks.metrics.registry import load_metric
from bokehbench.core.errors import MissingWeightsError
from bokehbench.renderers.interface import Scene

TRUE_WEIGHTS = os.environ.get("BOKEHBENCH_WEIGHTS")

# layer index: (stride, padding); "tap" where LPIPS reads the activations, "pool" where a new resolution begins
ALEXNET = [(0, 4, 2), "tap", "pool", (3, 1, 2), "tap", "pool", (6, 1, 1), "tap", (8, 1, 1), "tap", (10, 1, 1), "tap"]
VGG16 = []
for block in ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28)):
    VGG16 += [*([] if block[0] == 0 else ["pool"]), *((layer, 1, 1) for layer in block), "tap"]


def activations(image, trunk, plan, pool):
    taps = []
    for step in plan:
        if step == "tap":
            taps.append(image)
        elif step == "pool":
            image = pool(image)
        else:
            layer, stride, padding = step
            weight, bias = trunk[f"features.{layer}.weight"], trunk[f"features.{layer}.bias"]
            image = F.conv2d(image, weight, bias, stride=stride, padding=padding).relu()
    return taps


def lpips_by_definition(first, second, trunk, plan, pool, heads):
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    sides = []
    for image in (first, second):
        scaled = (2 * image - 1 - shift[:, None, None]) / scale[:, None, None]
        sides.append([f / f.norm(dim=1, keepdim=True) for f in activations(scaled[None], trunk, plan, pool)])
    terms = zip(*sides, strict=True)
    return sum(float(((a - b) ** 2 * heads[f"lin{i}.model.1.weight"]).sum(1).mean()) for i, (a, b) in enumerate(terms))


def dists_by_definition(first, second, trunk, balance):
    def pool(image):
        window = torch.outer(torch.tensor([0.5, 1.0, 0.5]), torch.tensor([0.5, 1.0, 0.5])) / 4
        kernel = window.expand(image.shape[1], 1, 3, 3)
        return (F.conv2d(image**2, kernel, stride=2, padding=1, groups=image.shape[1]) + 1e-12).sqrt()

    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    sides = []
    for image in (first, second):
        scaled = (image - mean[:, None, None]) / deviation[:, None, None]
        sides.append([image[None], *activations(scaled[None], trunk, VGG16, pool)])
    structure, texture = [], []
    for a, b in zip(*sides, strict=True):
        mean_a, mean_b = a.mean((2, 3)), b.mean((2, 3))
        covariance = (a * b).mean((2, 3)) - mean_a * mean_b
        variances = a.var((2, 3), unbiased=False) + b.var((2, 3), unbiased=False)
        texture.append((2 * mean_a * mean_b + 1e-6) / (mean_a**2 + mean_b**2 + 1e-6))
        structure.append((2 * covariance + 1e-6) / (variances + 1e-6))
    alpha, beta = balance["alpha"].flatten(), balance["beta"].flatten()
    total = alpha.sum() + beta.sum()
    return float(1 - (alpha / total * torch.cat(texture, 1)).sum() - (beta / total * torch.cat(structure, 1)).sum())


@pytest.fixture
def pair(make_image, blur):
    target = (make_image(48, 64) * 255).round() / 255
    return (blur(target, 1.5) * 255).round() / 255, target


@pytest.mark.parametrize(
    ("net", "plan", "file", "pool_px"),
    [("alex", ALEXNET, "lpips/alexnet_features", 3), ("vgg", VGG16, "vgg16_features", 2)],
)
def test_lpips_is_the_sum_that_its_paper_defines(random_weights, prepared, pair, make_scene, net, plan, file, pool_px):
    metric = prepared(f"lpips-{net}")
    package = importlib.metadata.distribution("lpips").locate_file("lpips")
    heads = torch.load(Path(str(package)) / "weights" / "v0.1" / f"{net}.pth", map_location="cpu", weights_only=True)
    trunk = load_file(random_weights / f"{file}.safetensors")
    expected = lpips_by_definition(*pair, trunk, plan, lambda image: F.max_pool2d(image, pool_px, 2), heads)
    assert expected > 1e-3
    assert metric.score(pair[0], make_scene(pair[1])) == pytest.approx(expected, rel=1e-4)


def test_other_weights_have_another_name(random_weights, prepared, tmp_path):
    trunk = load_file(random_weights / "lpips" / "alexnet_features.safetensors")
    named = {prepared("lpips-alex").weights}
    for change in (0.0, 1e-3):
        trunk["features.0.bias"][5] += change
        save_file(trunk, tmp_path / "alexnet_features.safetensors")
        metric = load_metric("lpips-alex")
        metric.prepare("cpu", tmp_path)
        named.add(metric.weights)
    assert len(named) == 2


def test_dists_is_the_sum_that_its_paper_defines(random_weights, prepared, pair, make_scene):
    metric = prepared("dists")
    trunk = load_file(random_weights / "vgg16_features.safetensors")
    balance = load_file(random_weights / "DISTS_weights.safetensors")
    expected = dists_by_definition(*pair, trunk, balance)
    assert expected > 1e-3
    assert metric.score(pair[0], make_scene(pair[1])) == pytest.approx(expected, rel=1e-3)


def test_building_dists_neither_fetches_nor_replaces_anything_of_torchvisions(random_weights, monkeypatch):
    from torchvision import models

    def refuse(*_, **__):
        raise AssertionError("torchvision's own VGG-16 was asked for")

    monkeypatch.setattr(models, "vgg16", refuse)
    monkeypatch.setattr(models.vgg, "vgg16", refuse)
    load_metric("dists").prepare("cpu", random_weights)
    assert models.vgg16 is refuse


def test_dists_has_the_layers_that_pyiqa_gives_it(prepared):
    from pyiqa.archs.dists_arch import DISTS
    from torchvision import models

    ours = prepared("dists")._network
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            models, "vgg16", functools.partial(lambda original, **_: original(init_weights=False), models.vgg16)
        )
        theirs = DISTS(pretrained=False)
    assert {name: tensor.shape for name, tensor in ours.state_dict().items()} == {
        name: tensor.shape for name, tensor in theirs.state_dict().items()
    }
    assert [repr(layer) for layer in ours.modules()][1:] == [repr(layer) for layer in theirs.modules()][1:]
    for name, buffer in theirs.named_buffers():
        assert torch.equal(buffer, ours.get_buffer(name))


@pytest.mark.parametrize("name", ["lpips-alex", "lpips-vgg", "dists"])
def test_scoring_without_weights_is_refused_and_names_what_to_do(name, pair, make_scene):
    with pytest.raises(MissingWeightsError, match=f"^{name} needs .*no network.*get https://.*--weights"):
        load_metric(name).score(pair[0], make_scene(pair[1]))


# Published by pyiqa for the pairs of TID2013 that its wheel carries: calibration_summary.csv, five decimals from
# results_original_color.csv where it has them.
PUBLISHED = {
    "psnr": ((21.11, 20.99, 27.01, 23.30, 21.62), 0.005),
    "lpips-alex": ((0.7237, 0.2572, 0.05079, 0.05205, 0.4253), 1e-4),
    "dists": ((0.4742, 0.1424, 0.06825, 0.02867, 0.3123), 1e-3),
}


def calibration_scene(pair_name):
    wanted = {f"ResultsCalibra/{side}_dir/{pair_name}.bmp": side for side in ("dist", "ref")}
    files = {wanted[str(file)]: file for file in importlib.metadata.files("pyiqa") or () if str(file) in wanted}
    if len(files) < 2:
        pytest.skip("this release of pyiqa carries no calibration images")
    pixels = {side: np.array(Image.open(str(file.locate())).convert("RGB")) for side, file in files.items()}
    images = {side: torch.from_numpy(array).permute(2, 0, 1).float() / 255 for side, array in pixels.items()}
    disparity = torch.zeros(1, *images["ref"].shape[1:])
    scene = Scene(
        name=pair_name,
        image=images["ref"],
        disparity=disparity,
        focus_disparity=0.0,
        blur_strength=0.0,
        target=images["ref"],
    )
    return images["dist"], scene


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_published_calibration_values(name):
    published, tolerance = PUBLISHED[name]
    metric = load_metric(name)
    if name != "psnr" and TRUE_WEIGHTS is None:
        pytest.skip("BOKEHBENCH_WEIGHTS names no folder of weights")
    try:
        metric.prepare("cpu", Path(TRUE_WEIGHTS) if TRUE_WEIGHTS else None)
    except MissingWeightsError as error:
        pytest.skip(str(error))
    scenes = [calibration_scene(pair_name) for pair_name in ("I03", "I04", "I06", "I08", "I19")]
    scores = [metric.score(prediction, scene) for prediction, scene in scenes]
    assert scores == pytest.approx(published, abs=tolerance)


@pytest.mark.parametrize("size", [(300, 411), (411, 300), (256, 300), (100, 90)])
def test_pictures_shrink_as_the_authors_shrink_them(make_image, size):
    """torchvision's ``resize`` of a Pillow picture, where the shorter side is above 256 px."""
    from torchvision.transforms.functional import pil_to_tensor, resize, to_pil_image

    picture = (make_image(*size) * 255).round() / 255
    expected = to_pil_image(picture)
    if min(size) > 256:
        expected = resize(expected, 256)
    assert torch.equal(shrink(picture[None], 256)[0], pil_to_tensor(expected) / 255.0)


def test_dists_of_large_pictures_is_that_of_shrunk_ones(prepared, make_image, make_scene, blur):
    target = (make_image(260, 300) * 255).round() / 255
    prediction = (blur(target, 2.0) * 255).round() / 255
    small_target, small = (shrink(picture[None], 256)[0] for picture in (target, prediction))
    expected = prepared("dists").score(small, make_scene(small_target))
    assert prepared("dists-256").score(prediction, make_scene(target)) == pytest.approx(expected, abs=1e-6)
    assert prepared("dists").score(prediction, make_scene(target)) != pytest.approx(expected, rel=0.01)
