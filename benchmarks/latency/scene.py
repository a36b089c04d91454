"""The scene that times are measured on: the same content at every size, with depth edges and a known largest radius."""

import torch
import torch.nn.functional as F

from ...core.scene import Scene

FOCUS = 0.25
ELLIPSES = ((0.30, 0.35, 0.22, 0.16, 0.6), (0.65, 0.60, 0.18, 0.26, 0.8), (0.45, 0.80, 0.10, 0.12, 1.0))
"""Centre (row, column), half axes (rows, columns), as parts of the picture, and disparity: far to near."""


def make_latency_scene(height: int, width: int, radius_px: float, scale: int = 1) -> Scene:
    """Return a slanted background in 0 to 0.3 of disparity with three plane ellipses before it, the nearest at 1.

    Focus is on the background; the nearest ellipse is blurred by ``radius_px``, > 0, the background's far end by a
    third of it. Without a target, at f/2; renders are ``scale`` times the size. The picture is
    smooth noise with fine grain, from a fixed seed.
    """
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, 24, 24, generator=generator)
    grain = torch.rand(3, height, width, generator=generator)
    smooth = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)[0]
    rows = torch.linspace(0.0, 1.0, height)[:, None]
    columns = torch.linspace(0.0, 1.0, width)[None, :]
    disparity = (0.3 * rows).expand(height, width).clone()
    for row, column, tall, wide, depth in ELLIPSES:
        disparity[((rows - row) / tall) ** 2 + ((columns - column) / wide) ** 2 <= 1.0] = depth
    return Scene(
        name=f"{width}x{height}, {radius_px:g} px",
        image=(0.98 * smooth + 0.02 * grain).clamp(0.0, 1.0),
        disparity=disparity[None],
        focus_disparity=FOCUS,
        blur_strength=radius_px / (1.0 - FOCUS),
        f_number=2.0,
        scale=scale,
    )
