import cv2
import numpy as np

from bokehbench.renderers.refine.guided import GuidedFilter


def test_it_is_the_least_squares_fit_of_each_window():
    rng = np.random.default_rng(0)
    guide, values = rng.random((15, 15, 3)).astype(np.float32), rng.random((15, 15)).astype(np.float32)
    found = GuidedFilter(guide, 2, 1e-3)(values)
    fits = {}
    for y in range(5, 10):
        for x in range(5, 10):
            window = np.s_[y - 2 : y + 3, x - 2 : x + 3]
            colours, wanted = guide[window].reshape(-1, 3).astype(float), values[window].ravel().astype(float)
            centred = colours - colours.mean(0)
            slope = np.linalg.solve(
                centred.T @ centred / 25 + 1e-3 * np.eye(3), centred.T @ (wanted - wanted.mean()) / 25
            )
            fits[y, x] = slope, wanted.mean() - slope @ colours.mean(0)
    expected = np.mean([slope @ guide[7, 7] + offset for slope, offset in fits.values()])
    np.testing.assert_allclose(found[7, 7], expected, rtol=1e-4)


def test_edges_of_the_guide_stay_and_plain_parts_are_averaged():
    guide = np.zeros((32, 32, 3), np.float32)
    guide[:, 16:] = (0.6, 0.4, 0.2)
    noise = cv2.GaussianBlur(np.random.default_rng(1).random((32, 32)).astype(np.float32), (0, 0), 0.5)
    values = noise + (guide[..., 0] > 0)
    smooth = GuidedFilter(guide, 4, 1e-4)(values)
    assert smooth[:, 16:].mean() - smooth[:, :16].mean() > 0.95
    assert smooth[8:24, 4:12].std() < 0.5 * values[8:24, 4:12].std()
