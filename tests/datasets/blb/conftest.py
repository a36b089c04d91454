"""Copies of BLB's layout in miniature, of known numbers."""

import json
import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from bokehbench.core.errors import BokehBenchError
from bokehbench.datasets.blb.dataset import BlbLayout
from bokehbench.datasets.catalogue import load_dataset
from bokehbench.datasets.files.exr import write_exr


class Copy:
    """A data root; each scene's left half is dark and ``near``, its right half bright and ``far``."""

    height, width = 10, 12
    near, far = 2.0, 8.0
    radii = np.linspace(10.0, 50.0, 5)
    info: ClassVar[dict] = {
        "resolution_x": width,
        "resolution_y": height,
        "focal_length": 50.0,
        "sensor_width": 36.0,
        "focus_distances": (1.0 / np.linspace(1.0 / far, 1.0 / near, 10)).tolist(),
        "f_stops": [1.0] * 5,
        "blur_parameters": (radii / (1.0 / near - 1.0 / far)).tolist(),
    }

    def __init__(self, root: Path):
        self.root = root

    def folder(self, scene: str, dataset: str = "blb") -> Path:
        return self.root / dataset / scene

    def ramp(self, first: float, last: float) -> NDArray[np.float32]:
        """Return a map of as many values, no two the same."""
        return np.linspace(first, last, self.height * self.width).reshape(self.height, self.width).astype(np.float32)

    def write_scene(self, folder: Path, levels: int = 5, focuses: int = 10, **changes: object) -> None:
        """Write a scene of one value above 1; its target (l, f) is the constant l/4 + f/100."""
        folder.mkdir(parents=True)
        image = np.full((self.height, self.width, 3), 0.125)
        image[:, self.width // 2 :] = 0.5
        image[0, 0] = (4.0, 0.25, 0.0)
        depth = np.full((self.height, self.width), self.near)
        depth[:, self.width // 2 :] = self.far
        write_exr(folder / "image.exr", image)
        write_exr(folder / "depth.exr", depth, half=False)
        for level in range(levels):
            for focus in range(focuses):
                target = np.full((self.height, self.width, 3), level / 4.0 + focus / 100.0)
                write_exr(folder / f"bokeh_{level:02d}_{focus:02d}.exr", target, half=False)
        (folder / "info.json").write_text(json.dumps(self.info | changes))

    def open(self, name: str = "blb") -> BlbLayout:
        dataset = load_dataset(name, self.root)
        assert isinstance(dataset, BlbLayout)
        dataset.prepare()
        return dataset

    def broken(self, name: str = "blb") -> dict[str, str]:
        """Load everything; return the messages of what failed."""
        dataset, messages = self.open(name), {}
        for scene in dataset.scene_names():
            try:
                dataset.load(scene)
            except BokehBenchError as error:
                messages[scene] = str(error)
        assert all("\n" not in message for message in messages.values())
        return messages


@pytest.fixture(scope="session")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    copy = Copy(tmp_path_factory.mktemp("data"))
    for number in ("277", "1000"):
        copy.write_scene(copy.folder(number))
    return copy


@pytest.fixture
def damaged(intact: Copy, tmp_path: Path) -> Copy:
    """A copy to damage."""
    shutil.copytree(intact.root, tmp_path / "data")
    return Copy(tmp_path / "data")


@pytest.fixture
def empty(tmp_path: Path) -> Copy:
    """No scenes yet."""
    return Copy(tmp_path)
