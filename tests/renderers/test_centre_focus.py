"""The floor of methods that guess the focus."""

import torch

from bokehbench.renderers.centre_focus import CentreFocusRenderer, centred_radii


def test_the_middle_is_sharp_and_the_rest_is_not(make_scene):
    radii = centred_radii(40, 60)
    assert float(radii[20, 30]) == 0.0
    assert float(radii[0, 0]) == float(radii[20, 2]) > 1.0
    assert torch.equal(radii, radii.flip(0).flip(1))
    scene = make_scene(64, 64)
    change = (CentreFocusRenderer().render(scene) - scene.image).abs().mean(dim=0)
    assert float(change[28:36, 28:36].mean()) < 0.2 * float(change[:8].mean())
