import numpy as np
import pytest

from bokehbench.core.errors import DamagedDataError
from bokehbench.datasets.files.problems import check_size


def test_sizes_are_named_as_width_by_height(tmp_path) -> None:
    reference, other = np.zeros((4, 6, 3), np.float32), np.zeros((4, 5), np.float32)
    with pytest.raises(DamagedDataError, match=r"d\.npy: 5x4 px, expected 6x4 as in i\.jpg"):
        check_size(tmp_path / "d.npy", other, tmp_path / "i.jpg", reference)
