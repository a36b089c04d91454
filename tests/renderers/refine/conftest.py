import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def discs():
    """A picture (96,96,3) of two bright discs over a dark texture, and its map: 0.8 on the discs, else 0.2."""
    rng = np.random.default_rng(3)
    near = np.zeros((96, 96), np.float32)
    for centre, radius in (((34, 40), 22), ((74, 70), 14)):
        cv2.circle(near, centre, radius, 1.0, -1)
    noise = cv2.GaussianBlur(rng.random((96, 96, 3)).astype(np.float32), (0, 0), 1.0)
    picture = 0.3 * noise + near[..., None] * np.array([0.55, 0.4, 0.1], np.float32)
    return picture.astype(np.float32), 0.2 + np.float32(0.6) * near
