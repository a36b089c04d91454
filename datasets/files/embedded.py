"""The depth map that a portrait photograph carries, as disparity; who writes it says in what units."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EmbeddedMap:
    """Disparity of the whole picture, usually smaller than it.

    - ``disparity``: (h,w) float32, larger = nearer, upright as the picture.
    - ``is_metric``: whether it is 1/depth in 1/m.
    - ``along_ray``: whether that depth is the distance from the lens rather than along the optical axis.
    """

    disparity: NDArray[np.float32]
    is_metric: bool = False
    along_ray: bool = False
