"""What can be seen in the pictures themselves: light that is not linear."""

import numpy as np
from numpy.typing import NDArray

PLATEAU_SHARE = 1e-3
"""Of the pixels: as many with the same largest value, in one channel, are no coincidence."""


def clipping_doubt(picture: NDArray[np.float32], hit: NDArray[np.bool_]) -> str | None:
    """Return why (H,W,3) may be no scene-linear light: it never exceeds 1 and has plateaus where it is largest.

    ``hit`` (H,W): where there are things; what lies behind all may well be of one colour.

    A view transform (AgX, Filmic, Standard) leaves mid grey nearly where it is; only highlights tell. None: no doubt.
    """
    top = float(picture.max())
    if top > 1.0 or top <= 0.0:
        return None
    share = max(float(((picture[..., channel] >= top * (1.0 - 1e-4)) & hit).mean()) for channel in range(3))
    if share < PLATEAU_SHARE:
        return None
    return (
        f"never exceeds 1, and {100.0 * share:.2g} % of its pixels have its largest value {top:.3g}: clipped or "
        "encoded for a display? Save scene-linear floats without a view transform"
    )
