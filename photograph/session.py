"""What ``bokehbench blur`` does: read, focus, render, write; a line for each thing a user wants to know."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..core.errors import InvalidOptionError
from ..renderers.classical.aperture import Aperture, parse_blades
from ..renderers.compile_kernels import needs_compiling
from .camera import Camera
from .contact_sheet import LONGEST_PX as SHEET_PX
from .contact_sheet import lay_out, names_for_sheet, render_tiles, say_who_is_slow
from .depth import ESTIMATOR, DepthMap, DepthSource, open_with_depth
from .focus_pull import LONGEST_PX as PULL_PX
from .focus_pull import check_encoder, render_pull, write_pull
from .lens import Lens
from .reading import Photograph
from .request import SHAPED, Aimed, Look, aim, choose_device, make_renderer, packaged, shrink
from .writing import SUFFIXES, as_srgb, check_size, check_suffix, write_picture

EXAMPLE = "example"


class Session:
    """One command line: everything that can be refused or loaded without the photograph is, when it is created.

    ``run`` does the rest. Raises as ``blur.blur`` does.
    """

    def __init__(self, options: Namespace):
        self._options, self._path = options, output_of(options)
        check_suffix(self._path, tuple(PULL_PX) if options.pull else SUFFIXES)
        if self._path.suffix.lower() == ".mp4":
            check_encoder()
        self._makes_folder = not self._path.parent.exists()
        self._look, self._lens = look_of(options), lens_of(options)
        self._name = SHAPED if options.renderer is None else options.renderer
        self._renderer = make_renderer(self._name, self._look)
        self._device = choose_device(options.device, self._renderer, self._look)
        if not options.all:
            self._renderer.fetch()
            self._renderer.prepare(self._device)

    def run(self) -> Iterator[str]:
        """Read, focus, render and write; yield lines."""
        options = self._options
        photograph, depth_map = open_photograph(options, self._device)
        yield from (f"{options.photograph}: {remark}" for remark in photograph.remarks)
        aimed = aim(photograph, depth_map, self._lens, options.gamma)
        if options.all:
            yield from self._make_sheet(aimed, photograph)
        else:
            yield from self._say_what_takes_long(aimed)
            yield (self._make_pull if options.pull else self._make_picture)(aimed, photograph)
        if self._makes_folder:
            yield f"{self._path.parent}: a new folder"
        scene = aimed.scene
        focus = scene.write_disparity(scene.focus_disparity)
        yield (
            f"focus on {aimed.subject} ({focus if scene.is_metric else f'disparity {focus}'}), blurred by up to "
            f"{aimed.largest_radius_px:.1f} px, by {depth_map.origin}"
        )

    def _say_what_takes_long(self, aimed: Aimed) -> Iterator[str]:
        """Yield a line before a network renders, or kernels may have to be compiled: nothing is heard until the end."""
        compiles = needs_compiling(self._renderer)
        if compiles or self._renderer.needs_weights:
            size = f"{aimed.scene.width}x{aimed.scene.height} px"
            more = "; kernels that are not compiled yet make the first time longer" if compiles else ""
            yield f"rendering {size} with {self._name}{more}"

    def _make_picture(self, aimed: Aimed, photograph: Photograph) -> str:
        """Render and write one picture."""
        check_size(self._path, aimed.scene.height, aimed.scene.width)
        picture = self._renderer.render(aimed.scene)
        bits = write_picture(self._path, picture, photograph.bits, photograph.profile, photograph.exif)
        height, width = picture.shape[1:]
        return f"{self._path}: {self._name}, {width}x{height} px, {bits} bits"

    def _make_sheet(self, aimed: Aimed, photograph: Photograph) -> Iterator[str]:
        """Render and write the contact sheet; a line for each renderer that is not on it, and why."""
        small = shrink(aimed.scene, SHEET_PX)
        tiles, lacking = render_tiles(small, names_for_sheet(), self._look, self._device)
        if len(tiles) == 1:
            raise InvalidOptionError(f"--all: no renderer could render it: {lacking[0]}")
        shown = [replace(tile, levels=np.asarray(as_srgb(tile.levels, photograph.profile))) for tile in tiles]
        sheet = torch.from_numpy(lay_out(shown)).permute(2, 0, 1)
        write_picture(self._path, sheet.float() / 255.0)
        yield from (f"left out: {line}" for line in [*lacking, *say_who_is_slow()])
        yield f"{self._path}: {len(tiles) - 1} renderers"

    def _make_pull(self, aimed: Aimed, photograph: Photograph) -> str:
        """Render and write the focus pull."""
        small = shrink(aimed.scene, PULL_PX[self._path.suffix.lower()])
        frames = render_pull(small, self._renderer, photograph.profile)
        width, height = write_pull(self._path, frames)
        return f"{self._path}: {len(frames)} frames of {width}x{height} px"


def output_of(options: Namespace) -> Path:
    """Return the file to write: the one that is named, else one in the current folder, after the photograph.

    Raises InvalidOptionError for one that is read.
    """
    stem = EXAMPLE if options.example else options.photograph.stem
    ending = "-all.png" if options.all else "-pull.gif" if options.pull else "-bokeh.png"
    path = options.output or Path(f"{stem}{ending}")
    read = [source for source in (options.photograph, options.disparity, options.depth) if source is not None]
    if any(source.resolve() == path.resolve() for source in read):
        raise InvalidOptionError(f"--output {path}: would overwrite what is read: name another file")
    return path


def look_of(options: Namespace) -> Look:
    """Return how what is out of focus looks. Raises InvalidOptionError."""
    blades = parse_blades(options.aperture)
    shape = Aperture(blades=blades, rotation_deg=options.rotation, cat_eye=options.cat_eye)
    return Look(aperture=shape, highlights=options.highlights)


def lens_of(options: Namespace) -> Lens:
    """Return focus and blur as they are asked for. Raises InvalidOptionError."""
    return Lens(
        point=options.focus,
        disparity=options.focus_disparity,
        depth=options.focus_depth,
        radius_px=options.radius,
        f_number=options.f_number,
    )


def open_photograph(options: Namespace, device: str) -> tuple[Photograph, DepthMap]:
    """Read the photograph and its map."""
    if options.example:
        return packaged()
    source = DepthSource(
        disparity=options.disparity,
        depth=options.depth,
        estimate=options.estimate,
        model=options.model or ESTIMATOR,
        unit=options.depth_unit,
        ray_fov=options.depth_ray_fov,
    )
    photograph, depth_map = open_with_depth(options.photograph, source, options.gamma, device)
    known = photograph.camera
    camera = Camera(options.focal_length or known.focal_mm, options.focal_length_35mm or known.focal_35mm)
    return replace(photograph, camera=camera), depth_map
