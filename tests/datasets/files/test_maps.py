import warnings

import cv2
import numpy as np
import pytest
from PIL import Image

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.files.exr import write_exr
from bokehbench.datasets.files.maps import read_disparity


def save_deep(path, pixels) -> None:
    """Write RGB or grey at its own bit depth, whatever the file's name."""
    encoded = cv2.imencode(path.suffix, pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1]
    path.write_bytes(encoded.tobytes())


def test_disparity_keeps_floats_and_scales_integers(tmp_path) -> None:
    values = np.arange(20, dtype=np.float32).reshape(4, 5) - 3.0
    np.save(tmp_path / "a.npy", values)
    np.save(tmp_path / "b.npy", values[None])
    write_exr(tmp_path / "c.exr", values, half=False)
    for name in ("a.npy", "b.npy", "c.exr"):
        np.testing.assert_array_equal(read_disparity(tmp_path / name), values)
    deep = np.arange(20, dtype=np.uint16).reshape(4, 5) * 3000
    save_deep(tmp_path / "d.png", deep)
    np.testing.assert_allclose(read_disparity(tmp_path / "d.png"), deep / 65535.0, atol=1e-7)
    grey = np.repeat((deep >> 8).astype(np.uint8)[..., None], 3, axis=2)
    Image.fromarray(grey).save(tmp_path / "e.jpg", quality=100)
    np.testing.assert_allclose(read_disparity(tmp_path / "e.jpg"), grey[..., 0] / 255.0, atol=0.02)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([[1.0, np.nan]], np.float32), "NaN or infinite"),
        (np.array([[1.0, np.inf]], np.float32), "NaN or infinite"),
        (np.full((4, 5), 0.5, np.float32), "every value is 0.5"),
        (np.random.default_rng(0).random((4, 5, 3)), "expected one channel of disparity, got 4x5x3"),
        (np.zeros((2, 2, 4, 5)), "expected one channel"),
    ],
)
def test_disparity_that_makes_no_sense_is_refused(tmp_path, values, message) -> None:
    np.save(tmp_path / "a.npy", values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DamagedDataError, match=message):
            read_disparity(tmp_path / "a.npy")
