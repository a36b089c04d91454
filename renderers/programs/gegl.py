"""GEGL's lens-blur and variable-blur, through its command line."""

import re
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...core.programs import ask_program
from ..interface import Capabilities
from .catalogue import GEGL
from .exchange import Pixels, read_npy, write_exr
from .process import VERSION_LIMIT_S, run_program
from .renderer import ProgramRenderer

GRAPH = """<?xml version='1.0' encoding='UTF-8'?>
<gegl>
  <node operation='gegl:{operation}'>
    <params><param name='radius'>{radius:.9g}</param><param name='linear-mask'>true</param></params>
    <node operation='gegl:exr-load'><params><param name='path'>mask.exr</param></params></node>
  </node>
  <node operation='gegl:exr-load'><params><param name='path'>picture.exr</param></params></node>
</gegl>
"""
"""The node within a node is its mask. Without ``linear-mask`` the mask would be read display-encoded."""


def find_library(gegl: Path) -> str | None:
    """Return the file name of the GEGL library that an executable loads, which holds the version; None if unknown."""
    match = re.search(r"libgegl\S* => (\S+)", ask_program(["ldd", gegl], VERSION_LIMIT_S) or "")
    return Path(match.group(1)).resolve().name if match else None


class GeglRenderer(ProgramRenderer):
    """Runs one operation of GEGL whose mask is the radius as a part of the largest one."""

    capabilities: ClassVar[Capabilities] = Capabilities(devices=("cpu",), hdr=True)
    program = GEGL
    operation: ClassVar[str]

    @property
    def version(self) -> str | None:
        """The library that the program loads, as the program does not say its version."""
        found = self.program.find()
        library = found and find_library(found)
        return f"{self.program.name} {library}" if library else self.program.version()

    @abstractmethod
    def size_px(self, radius_px: Pixels) -> Pixels:
        """Return the operation's parameter for discs of ``radius_px``, both (H,W) in px."""

    def blur(self, linear: Pixels, radius_px: Pixels, folder: Path) -> Pixels:
        """Run the operation on linear floats: OpenEXR files in, a .npy file out."""
        size_px = self.size_px(radius_px)
        largest = max(float(size_px.max()), 1e-3)
        write_exr(folder / "picture.exr", linear)
        write_exr(folder / "mask.exr", size_px / np.float32(largest))
        (folder / "graph.xml").write_text(GRAPH.format(operation=self.operation, radius=largest))
        command: list[str | Path] = [self.program.require(), "graph.xml", "-o", "blurred.npy"]
        run_program(command, folder, self.limit_s, GEGL_USE_OPENCL="no")
        return read_npy(folder / "blurred.npy")


class GeglLensBlur(GeglRenderer):
    """Scatter of discs in linear light, normalised: what ``classical`` computes. Its discs reach half a px further."""

    name = "gegl-lens-blur"
    operation = "lens-blur"

    def size_px(self, radius_px: Pixels) -> Pixels:
        """Return the radius less the half px that the disc reaches beyond it."""
        return np.maximum(radius_px - np.float32(0.5), 0)


class GeglVariableBlur(GeglRenderer):
    """Gather with Gaussians, mixed between blurs of several sizes."""

    name = "gegl-variable-blur"
    operation = "variable-blur"

    def size_px(self, radius_px: Pixels) -> Pixels:
        """Return the deviation of a disc along one axis: half its radius."""
        return radius_px / np.float32(2)
