"""Small photographs with their maps on disk, and the command line in this process."""

import cv2
import numpy as np
import pytest
from PIL import Image

HEIGHT, WIDTH = 40, 56


@pytest.fixture
def pixels():
    """A photograph (H,W,3) uint8."""
    return np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture
def disparity():
    """A map (H,W) float32: near on the left, far on the right."""
    return np.broadcast_to(np.linspace(1.0, 0.0, WIDTH, dtype=np.float32), (HEIGHT, WIDTH)).copy()


@pytest.fixture
def photo(tmp_path, pixels, disparity):
    """``photo.png``, with ``map.png`` beside it."""
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    cv2.imwrite(str(tmp_path / "map.png"), (disparity * 65535).astype(np.uint16))
    return tmp_path / "photo.png"


@pytest.fixture
def bokehbench(in_process, monkeypatch, tmp_path):
    """The console script in this process: a function of its arguments; the current folder is the test's."""
    from bokehbench.photograph.command import main

    monkeypatch.chdir(tmp_path)
    return in_process(main)
