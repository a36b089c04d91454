import numpy as np
import pytest
import torch

from bokehbench.core.files import write_image, write_map
from bokehbench.renderers.refine.moves import grow
from bokehbench.robustness.repairs import Repair, StoredMap, average, judge

from ..renderers.refine.conftest import discs as discs

WRONG = np.array([True, True, False, False, False])


def test_shares_are_of_wrong_and_of_right_pixels():
    found = judge(WRONG, np.array([False, True, True, False, False]))
    assert (found.wrong, found.left, found.repaired) == (0.4, 0.4, 0.5)
    assert found.spoilt == pytest.approx(1 / 3)


def test_a_right_map_has_nothing_to_repair():
    nothing = np.zeros(4, np.bool_)
    assert judge(nothing, nothing) == Repair(0.0, 0.0, None, 0.0)
    assert average([judge(nothing, nothing), Repair(0.5, 0.25, 0.5, 0.1)]) == Repair(0.25, 0.125, 0.5, 0.05)


def test_stored_maps_are_corrected_and_judged(tmp_path, discs):
    picture, disparity = discs
    wrong = grow(disparity, 5)
    write_image(tmp_path / "input.png", torch.from_numpy(picture).permute(2, 0, 1))
    for name, values in (("true", disparity), ("given", wrong)):
        write_map(tmp_path / f"{name}.png", torch.from_numpy(values)[None], 0.2, 0.8)
    found = StoredMap(*(tmp_path / f"{name}.png" for name in ("input", "given", "true")), blur_px=10.0).correct()
    assert found.repair.wrong == (wrong != disparity).mean()
    assert found.repair.repaired > 0.8
    assert found.repair.spoilt < 0.02
    np.testing.assert_allclose(found.true, (disparity - 0.2) / 0.6, atol=1e-5)
