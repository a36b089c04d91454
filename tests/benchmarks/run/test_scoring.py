import numpy as np
import pytest
import torch

from bokehbench.benchmarks.metrics.interface import Metric
from bokehbench.benchmarks.metrics.pixelwise import Psnr, RegionPsnr
from bokehbench.benchmarks.metrics.structural import Ssim
from bokehbench.benchmarks.run.scoring import Scorer
from bokehbench.core.errors import InvalidOutputError
from bokehbench.core.files import quantise


class Everywhere(RegionPsnr):
    name = "psnr-everywhere"
    asked = 0

    @staticmethod
    def find(defocus):
        Everywhere.asked += 1
        return torch.ones_like(defocus[0], dtype=torch.bool)


class Another(Everywhere):
    name = "another"


class Seen(Metric):
    """One of somebody else's, which knows nothing of pairs."""

    name = "seen"
    higher_is_better = True
    description = "for tests"

    def score(self, prediction, scene):
        assert torch.equal(prediction, quantise(prediction))
        assert torch.equal(scene.target, quantise(scene.target))
        return float(scene.defocus.max())


def test_sharing_changes_no_value(make_scene):
    scene = make_scene(target=torch.rand(3, 24, 32, generator=torch.Generator().manual_seed(1)))
    metrics = [Psnr(), Ssim(), Everywhere()]
    scores, notes = Scorer([*metrics, Seen()]).score(scene.image, scene)
    assert scores == {m.name: m.score(scene.image, scene) for m in metrics} | {"seen": float(scene.defocus.max())}
    assert notes == {}


def test_a_region_is_found_once_for_all_metrics_and_pictures_of_a_scene(make_scene):
    scorer = Scorer([Everywhere(), Another()])
    scene, other = make_scene(seed=0), make_scene(seed=1)
    Everywhere.asked = 0
    assert scorer.score(scene.image, scene) == scorer.score(scene.image, scene)
    assert Everywhere.asked == 1
    scorer.score(other.image, other)
    assert Everywhere.asked == 2


def test_a_picture_of_another_size_is_refused(make_scene):
    scene = make_scene()
    with pytest.raises(InvalidOutputError, match=r"expected \(3, 24, 32\) like its target, got \(3, 24, 31\)"):
        Scorer([Psnr(), Seen()]).score(scene.image[:, :, 1:], scene)


def test_what_a_metric_changes_in_place_reaches_no_other(make_scene):
    class Spoiling(Seen):
        name = "spoiling"

        def score(self, prediction, scene):
            for tensor in (prediction, scene.target, scene.disparity, scene.image):
                tensor.zero_()
            return 0.0

    scene = make_scene(target=torch.rand(3, 24, 32, generator=torch.Generator().manual_seed(1)))
    alone, _ = Scorer([Psnr(), Seen()]).score(scene.image, scene)
    beside, _ = Scorer([Spoiling(), Psnr(), Seen()]).score(scene.image, scene)
    assert beside == alone | {"spoiling": 0.0}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.25, "failed: gave 1.25, outside its bounds, 0 to 1"),
        (-0.5, "failed: gave -0.5, outside its bounds, 0 to 1"),
        (float("nan"), "failed: gave nan"),
        (1.0005, None),
    ],
)
def test_a_value_that_no_bundle_could_hold_is_none(make_scene, value, said):
    class Bounded(Seen):
        name = "bounded"
        bounds = (0.0, 1.0)

        def score(self, prediction, scene):
            return value

    scene = make_scene()
    scores, notes = Scorer([Bounded(), Psnr()]).score(scene.image, scene)
    assert scores["bounded"] == (None if said else value)
    assert notes == ({"bounded": said} if said else {})
    assert scores["psnr"] is not None


@pytest.mark.parametrize("value", [1e308, -1e101])
def test_a_value_that_no_mean_could_hold_is_none(make_scene, value):
    class Huge(Seen):
        name = "huge"

        def score(self, prediction, scene):
            return value

    scene = make_scene()
    scores, notes = Scorer([Huge()]).score(scene.image, scene)
    assert scores == {"huge": None}
    assert notes == {"huge": f"failed: gave {value:g}, expected -1e+100 to 1e+100"}


@pytest.mark.parametrize("value", [torch.tensor(1.5, requires_grad=True), np.float32(1.5)])
def test_numbers_of_libraries_are_values_and_warn_of_nothing(make_scene, recwarn, value):
    class Traced(Seen):
        name = "traced"

        def score(self, prediction, scene):
            return value

    scene = make_scene()
    assert Scorer([Traced()]).score(scene.image, scene) == ({"traced": 1.5}, {})
    assert not recwarn.list
