"""ffmpeg's filter varblur."""

import math
from pathlib import Path

import numpy as np

from .catalogue import FFMPEG
from .exchange import Pixels, read_levels, write_levels
from .process import run_program
from .renderer import ProgramRenderer

LARGEST = 255
"""Of the filter's radius ``max_r``."""


class FfmpegVarblur(ProgramRenderer):
    """Gather with boxes whose width is 8 max_r mask + 2 px, so that nothing is sharp and all is moved by half a px."""

    name = "ffmpeg-varblur"
    program = FFMPEG
    largest_px = math.sqrt(((8 * LARGEST + 2) ** 2 - 1) / 3)

    def blur(self, linear: Pixels, radius_px: Pixels, folder: Path) -> Pixels:
        """Run it on 16 bits of linear light.

        A box of n px has the deviation of a disc, half its radius R along each axis, where (n^2 - 1) / 12 = R^2 / 4.
        """
        height, width = radius_px.shape
        quarter = np.maximum(np.sqrt(3 * radius_px.astype(np.float64) ** 2 + 1) - 2, 0) / 8
        largest = max(math.ceil(float(quarter.max())), 1)
        write_levels(folder / "picture.raw", linear, planes="GBR", planar=True)
        write_levels(folder / "mask.raw", (quarter / largest).astype(np.float32), planes="GBR", planar=True)
        layout = ["-f", "rawvideo", "-pix_fmt", "gbrp16le"]
        inputs = [
            word for file in ("picture.raw", "mask.raw") for word in (*layout, "-s", f"{width}x{height}", "-i", file)
        ]
        blur = ["-lavfi", f"[0][1]varblur=min_r=0:max_r={largest}", *layout, "blurred.raw"]
        run_program([self.program.require(), "-v", "error", "-nostdin", *inputs, *blur], folder, self.limit_s)
        return read_levels(folder / "blurred.raw", height, width, planes="GBR", planar=True)
