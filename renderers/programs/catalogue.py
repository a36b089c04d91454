"""The programs, their renderers by name, and which are installed. Imports no torch."""

import logging

from ...core.registry import Entry
from .process import Program

log = logging.getLogger(__name__)

GROUP = "programs"
"""Stands in ``--renderers`` for all that are installed."""

GEGL = Program(name="GEGL", install="apt-get install gegl", executables=("gegl",))
GMIC = Program(name="G'MIC", install="pip install gmic", module="gmic")
IMAGEMAGICK = Program(
    name="ImageMagick",
    install="apt-get install imagemagick",
    executables=("convert-im6.q16", "magick", "convert"),
    version_options=("-version",),
    version_pattern=r"ImageMagick ([67]\.\S+(?: \(Beta\))? Q(?:16|32|64)\S*)",
    versions="ImageMagick 6 or 7 with 16 bits or more",
)
FFMPEG = Program(
    name="ffmpeg",
    install="apt-get install ffmpeg",
    executables=("ffmpeg",),
    version_options=("-version",),
    version_pattern=r"ffmpeg version (\S+)",
)
BLENDER = Program(
    name="Blender",
    install="apt-get install blender",
    executables=("blender",),
    version_options=("--background", "--version"),
    version_pattern=r"Blender (3\.\S+)",
    versions="Blender 3",
)

PROGRAMS = {
    "gegl-lens-blur": GEGL,
    "gegl-variable-blur": GEGL,
    "gmic-dof": GMIC,
    "imagemagick-blur": IMAGEMAGICK,
    "ffmpeg-varblur": FFMPEG,
    "blender-defocus": BLENDER,
}
"""The program that each renderer runs."""

ENTRIES = {
    "gegl-lens-blur": Entry(".renderers.programs.gegl:GeglLensBlur", "GEGL's lens-blur: scatter of discs"),
    "gegl-variable-blur": Entry(".renderers.programs.gegl:GeglVariableBlur", "GEGL's variable-blur: Gaussians"),
    "gmic-dof": Entry(".renderers.programs.gmic:GmicDepthOfField", "G'MIC's fx_blur_dof: Gaussians in levels"),
    "imagemagick-blur": Entry(".renderers.programs.imagemagick:ImageMagickBlur", "ImageMagick's -compose Blur"),
    "ffmpeg-varblur": Entry(".renderers.programs.ffmpeg:FfmpegVarblur", "ffmpeg's varblur: boxes"),
    "blender-defocus": Entry(".renderers.programs.blender:BlenderDefocus", "the Defocus node of Blender's compositor"),
}


def installed() -> list[str]:
    """Return the renderers whose program is installed; a warning names the others and what to install."""
    there = [name for name, program in PROGRAMS.items() if program.find()]
    for name, program in PROGRAMS.items():
        if name not in there:
            log.warning("%s is left out of '%s': %s", name, GROUP, program.absence())
    return there
