"""The Defocus node of Blender's compositor."""

import json
import math
from pathlib import Path
from typing import ClassVar

from ..interface import Capabilities
from . import blender_script
from .catalogue import BLENDER
from .exchange import Pixels, read_exr, write_exr
from .process import run_program
from .renderer import ProgramRenderer


class BlenderDefocus(ProgramRenderer):
    """Gather with discs of the smaller of a pixel's own and its neighbour's radius, in whole px."""

    name = "blender-defocus"
    capabilities: ClassVar[Capabilities] = Capabilities(devices=("cpu",), hdr=True)
    program = BLENDER

    def blur(self, linear: Pixels, radius_px: Pixels, folder: Path) -> Pixels:
        """Run it on linear floats: OpenEXR files in and out; the radii are the node's Z, not a camera's."""
        height, width = radius_px.shape
        write_exr(folder / "picture.exr", linear)
        write_exr(folder / "radius.exr", radius_px)
        files = {name: str(folder / f"{name}.exr") for name in ("picture", "radius", "blurred")}
        order = json.dumps(files | {"width": width, "height": height, "largest": math.ceil(float(radius_px.max()))})
        script = Path(blender_script.__file__)
        options: list[str | Path] = [
            "--background",
            "--factory-startup",
            "--python-exit-code",
            "1",
            "--python",
            script,
            "--",
            order,
        ]
        run_program([self.program.require(), *options], folder, self.limit_s)
        return read_exr(folder / "blurred.exr")
