"""The soft rim of the disc, tabulated: 1/2 + 1/2 tanh(4 t) for a distance t (px) inside the rim."""

import numpy as np

from ...core.compiled import compiled

EDGE_REACH_PX = 4.0
"""The table spans [-reach, reach]; beyond it the edge is 0 or 1 to 1e-14."""

STEPS_PER_PX = 512
"""Linear interpolation between entries is off by less than 3e-6."""

_T = np.linspace(-EDGE_REACH_PX, EDGE_REACH_PX, int(2 * EDGE_REACH_PX * STEPS_PER_PX) + 1)
_TABLE = (0.5 + 0.5 * np.tanh(4.0 * _T)).astype(np.float32)
_REACH = np.float32(EDGE_REACH_PX)
_STEPS = np.float32(STEPS_PER_PX)


@compiled
def soft_edge(t: np.float32) -> np.float32:
    """Return 1/2 + 1/2 tanh(4 t), float32, for -EDGE_REACH_PX <= t < EDGE_REACH_PX; the caller keeps to that range."""
    position = (t + _REACH) * _STEPS
    entry = np.uint32(position)  # unsigned: spares the test for negative indices
    fraction = position - np.float32(entry)
    return _TABLE[entry] + fraction * (_TABLE[entry + np.uint32(1)] - _TABLE[entry])
