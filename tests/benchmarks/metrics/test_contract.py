"""What every registered metric promises."""

import pytest
import torch

from bokehbench.benchmarks.metrics.pixelwise import PSNR_CAP_DB
from bokehbench.benchmarks.metrics.registry import METRICS, load_metric
from bokehbench.core.errors import InvalidOutputError, InvalidSceneError

BEST = {"dB": PSNR_CAP_DB}


@pytest.fixture(params=list(METRICS.entries))
def metric(request, prepared):
    return prepared(request.param)


def test_it_carries_its_name_and_says_what_it_is(metric):
    assert load_metric(metric.name).name == metric.name
    assert isinstance(metric.higher_is_better, bool)
    assert len(metric.description) > 20
    assert metric.unit in ("", "dB")
    assert metric.name in METRICS.entries


def test_identical_images_get_the_best_value(metric, make_scene, make_image):
    scene = make_scene(make_image(48, 64))
    best = BEST.get(metric.unit, 1.0 if metric.higher_is_better else 0.0)
    assert metric.score(scene.target, scene) == pytest.approx(best, abs=1e-5)


def test_more_blur_is_worse(metric, make_scene, make_image, blur):
    scene = make_scene(make_image(48, 64))
    scores = [metric.score(blur(scene.target, sigma_px), scene) for sigma_px in (0.5, 1.0, 2.0, 4.0)]
    assert scores == sorted(scores, reverse=metric.higher_is_better)
    assert len(set(scores)) == len(scores)


@pytest.mark.parametrize("size", [(48, 64), (64, 48), (33, 47)])
def test_any_shape_gives_a_plain_float(metric, size, make_scene, make_image, blur):
    scene = make_scene(make_image(*size))
    score = metric.score(blur(scene.target, 1.0), scene)
    assert type(score) is float
    assert score == metric.score(blur(scene.target, 1.0), scene)


@pytest.mark.parametrize("name", [name for name in METRICS.entries if name != "dists-256"])  # up to 256 px it is dists
def test_the_number_of_threads_makes_no_difference(name, prepared, make_scene, make_image, blur):
    """To the bit, but for networks, whose convolutions are summed up by as many parts as threads."""
    metric = prepared(name)
    size = (120, 160) if metric.weights else (480, 640)  # of networks a smaller one is shared by threads, too
    scene, scores, before = make_scene(make_image(*size)), [], torch.get_num_threads()
    prediction = blur(scene.target, 1.0)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        scores.append(metric.score(prediction, scene))
        torch.set_num_threads(before)
    assert scores[0] == pytest.approx(scores[1], abs=1e-6 if metric.weights else 0.0, rel=0.0)


def test_values_between_the_8_bit_levels_do_not_count(metric, make_scene, make_image):
    scene = make_scene((make_image(48, 64) * 255).round() / 255)
    assert metric.score(scene.target + 0.4 / 255, scene) == metric.score(scene.target, scene)


def test_inputs_are_left_as_they_were(metric, make_scene, make_image, blur):
    scene = make_scene(make_image(48, 64))
    prediction = blur(scene.target, 1.0)
    before = prediction.clone(), scene.target.clone()
    metric.score(prediction, scene)
    assert torch.equal(prediction, before[0])
    assert torch.equal(scene.target, before[1])


def test_a_wrong_size_or_a_missing_target_is_named(metric, make_scene, make_image):
    scene = make_scene(make_image(48, 64))
    with pytest.raises(InvalidOutputError, match=r"expected \(3, 48, 64\).*got \(3, 48, 63\)"):
        metric.score(scene.target[:, :, :-1], scene)
    with pytest.raises(InvalidSceneError, match="has no target"):
        metric.score(scene.target, scene.without_target())


@pytest.mark.parametrize(("name", "least_px"), [("ssim", 11), ("lpips-alex", 31), ("lpips-vgg", 16), ("dists", 16)])
def test_images_too_small_for_the_metric_get_none(prepared, name, least_px, make_scene, make_image, blur):
    metric = prepared(name)
    fits, too_small = make_scene(make_image(least_px, 50)), make_scene(make_image(least_px - 1, 50))
    assert metric.score(blur(fits.target, 1.0), fits) is not None
    assert metric.score(blur(too_small.target, 1.0), too_small) is None
