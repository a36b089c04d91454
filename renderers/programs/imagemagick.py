"""ImageMagick's -compose Blur."""

from pathlib import Path

import numpy as np

from .catalogue import IMAGEMAGICK
from .exchange import Pixels, read_levels, write_levels
from .process import run_program
from .renderer import ProgramRenderer


class ImageMagickBlur(ProgramRenderer):
    """Gather with Gaussians whose deviation is the mask times the argument; a black mask still blurs by 0.46 px."""

    name = "imagemagick-blur"
    program = IMAGEMAGICK

    def blur(self, linear: Pixels, radius_px: Pixels, folder: Path) -> Pixels:
        """Run it on 16 bits of linear light; the deviation of a disc along one axis is half its radius."""
        height, width = radius_px.shape
        largest = float(radius_px.max()) / 2
        write_levels(folder / "picture.raw", linear)
        write_levels(folder / "mask.raw", radius_px / np.float32(2 * largest))
        layout = ["-size", f"{width}x{height}", "-depth", "16", "-endian", "LSB"]
        blur = ["-define", f"compose:args={largest:.9g}x{largest:.9g}", "-compose", "Blur", "-composite"]
        command: list[str | Path] = [
            self.program.require(),
            *layout,
            "RGB:picture.raw",
            "RGB:mask.raw",
            *blur,
            "RGB:blurred.raw",
        ]
        run_program(command, folder, self.limit_s)
        return read_levels(folder / "blurred.raw", height, width)
