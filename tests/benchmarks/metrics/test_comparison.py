"""What metrics share about a picture and its target is found once."""

import pytest
import torch

from bokehbench.benchmarks.metrics.comparison import Comparison, Target
from bokehbench.benchmarks.metrics.interface import Metric
from bokehbench.benchmarks.metrics.pixelwise import find_in_focus
from bokehbench.core.errors import InvalidOutputError, InvalidSceneError

CPU = torch.device("cpu")


class Difference(Metric):
    """A metric that knows nothing of comparisons."""

    name = "difference"
    higher_is_better = False
    description = "the mean absolute difference"

    def score(self, prediction, scene):
        return float((prediction - scene.target).abs().mean())


@pytest.fixture
def scene(make_scene, make_image):
    return make_scene(make_image(32, 40))


def test_both_pictures_are_rounded_to_8_bits(scene):
    comparison = Comparison(scene.target + 0.3 / 255, Target(scene))
    for image in (comparison.image, comparison.target.image, comparison.target.scene.target):
        torch.testing.assert_close(image * 255, (image * 255).round(), rtol=0, atol=1e-4)


def test_squared_errors_and_regions_are_found_once(scene):
    calls = []

    def find(defocus):
        calls.append(defocus)
        return find_in_focus(defocus)

    target = Target(scene)
    first, second = (Comparison(scene.target * factor, target) for factor in (0.9, 0.8))
    error = first.squared_error(CPU)
    assert first.squared_error(CPU) is error
    expected = (first.image - target.image).square().mean(dim=0)
    torch.testing.assert_close(error, expected)
    assert second.target.region(find, CPU) is first.target.region(find, CPU)
    pixels, count = target.region(find, CPU)
    assert int(pixels.sum()) == count == 32 * 20
    assert len(calls) == 1


def test_a_metric_with_a_score_alone_gets_the_8_bit_pictures(scene):
    comparison = Comparison(scene.target * 0.5, Target(scene))
    expected = float((comparison.image - comparison.target.image).abs().mean())
    assert Difference().compare(comparison) == pytest.approx(expected)


def test_other_sizes_and_absent_targets_are_named(scene):
    with pytest.raises(InvalidOutputError, match=r"expected \(3, 32, 40\) like its target, got \(3, 32, 39\)"):
        Comparison(scene.target[:, :, 1:], Target(scene))
    with pytest.raises(InvalidSceneError, match="no target"):
        Target(scene.without_target())
