import numpy as np
import pytest
import torch

from bokehbench.renderers.registry import load_renderer
from bokehbench.robustness.wrong_band import RIM_PX, WRONG_PX, find_wrong_band


def test_no_wrong_pixel_no_band_and_one_reaches_as_far_as_its_larger_radius():
    true = np.full((21, 21), 2.0, np.float32)
    assert not find_wrong_band(true, true + np.float32(WRONG_PX / 2)).any()
    for true_px, given_px in ((2.0, -5.0), (5.0, 2.0)):
        true, given = (np.full((21, 21), px, np.float32) for px in (true_px, true_px))
        given[10, 10] = given_px
        found = find_wrong_band(true, given)[10]
        assert np.array_equal(np.flatnonzero(found), np.arange(10 - 5 - int(RIM_PX), 10 + 5 + int(RIM_PX) + 1))


@pytest.mark.parametrize("focus", [0.8, 0.2, 0.4])
@pytest.mark.parametrize("moved", [2, -3])
def test_outside_the_band_scatter_makes_the_same_of_both_maps(make_scene, focus, moved):
    scene = make_scene(48, 64, focus_disparity=focus)
    given = make_scene(48, 64, focus_disparity=focus, disparity=scene.disparity.roll(moved, 2))
    band = torch.from_numpy(find_wrong_band(scene.defocus[0].numpy(), given.defocus[0].numpy()))
    renderer = load_renderer("classical")
    renderer.prepare("cpu")
    true, wrong = (renderer.render(one) for one in (scene, given))
    assert 0.0 < float(band.float().mean()) < 0.7
    assert torch.allclose(true[:, ~band], wrong[:, ~band], atol=1e-5)
    changed = (true - wrong).abs().amax(dim=0) > 1e-5
    assert float(changed[band].float().mean()) > 0.3  # it is no wider than it has to be
