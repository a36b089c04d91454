"""Random pieces of photographs, for what is trained on pictures alone."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ...core.optics import GAMMA
from ...datasets.synthetic.training_pictures import PhotographSource


class PhotographPieces(Dataset[dict[str, Tensor]]):
    """Endless random pieces of photographs: ``image`` (3,side,side) float32, display-encoded, [0,1]; ``index``."""

    def __init__(self, folders: tuple[str, ...], side_px: int, seed: int):
        self._source = PhotographSource(folders)
        self._side_px = side_px
        self._seed = seed

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return piece ``index``."""
        rng = np.random.Generator(np.random.PCG64([self._seed, index]))
        linear = self._source.draw(rng, self._side_px, margin=0)
        return {
            "image": torch.from_numpy(linear ** np.float32(1.0 / GAMMA)).permute(2, 0, 1),
            "index": torch.tensor(index),
        }
