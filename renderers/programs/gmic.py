"""G'MIC's filter fx_blur_dof, through the Python package gmic, which holds the program."""

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..interface import Capabilities
from . import gmic_script
from .catalogue import GMIC
from .exchange import Pixels, read_npy
from .process import run_program
from .renderer import ProgramRenderer

LEVELS = 16
"""Blurs that are mixed."""

STRETCH_PX = 0.1
"""How far from focus a picture may be everywhere before a row in focus is added."""

MASK_IS_LAST_PICTURE = 1
UNUSED = "50,50,30,50,0,1,0,0,0"
"""The ellipse whose place the mask takes, and the preview: they have to be given."""


class GmicDepthOfField(ProgramRenderer):
    """Gather with Gaussians, mixed between 16 blurs.

    The filter's amplitude is a percentage of the larger side, and the mask is stretched to its own smallest and largest
    value: where nothing is in focus a row that is gets added for the call.
    """

    name = "gmic-dof"
    capabilities: ClassVar[Capabilities] = Capabilities(devices=("cpu",), hdr=True)
    program = GMIC

    @property
    def version(self) -> str | None:  # type: ignore[override]
        """The version of the Python package, which is that of the program in it."""
        try:
            return f"{self.program.name} {version('gmic')}" if self.program.find() else None
        except PackageNotFoundError:
            return self.program.name

    def blur(self, linear: Pixels, radius_px: Pixels, folder: Path) -> Pixels:
        """Run it on linear floats; the deviation of a disc along one axis is half its radius."""
        height = len(radius_px)
        if radius_px.min() > STRETCH_PX:
            linear = np.concatenate([linear, linear[-1:]])
            radius_px = np.concatenate([radius_px, np.zeros_like(radius_px[-1:])])
        np.save(folder / "picture.npy", linear)
        np.save(folder / "mask.npy", radius_px[..., None])
        amplitude = 100 * float(radius_px.max()) / 2 / max(radius_px.shape)
        filter_call = f"fx_blur_dof {amplitude:.9g},{LEVELS},{MASK_IS_LAST_PICTURE},0,{UNUSED}"
        script = Path(gmic_script.__file__)
        # -P: without it this folder would come first, and its gmic.py be taken for the package
        command: list[str | Path] = [
            sys.executable,
            "-P",
            script,
            filter_call,
            "blurred.npy",
            "picture.npy",
            "mask.npy",
        ]
        run_program(command, folder, self.limit_s)
        return read_npy(folder / "blurred.npy")[:height]
