"""What ``bokehbench blur`` does: read, focus, render, write; a line for each thing a user wants to know."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..core.errors import InvalidOptionError
from ..renderers.classical.aperture import Aperture, parse_blades
from .camera import Camera
from .contact_sheet import LONGEST_PX as SHEET_PX
from .contact_sheet import lay_out, names_for_sheet, render_tiles
from .depth import ESTIMATOR, DepthMap, DepthSource, open_with_depth
from .focus_pull import LONGEST_PX as PULL_PX
from .focus_pull import check_encoder, render_pull, write_pull
from .lens import Lens
from .reading import Photograph
from .request import SHAPED, Aimed, Look, aim, choose_device, make_renderer, packaged, shrink
from .writing import SUFFIXES, as_srgb, check_suffix, write_picture

EXAMPLE = "example"


def run_blur(options: Namespace) -> Iterator[str]:
    """Carry out a command line that ``command`` has checked; yield lines. Raises as ``blur.blur`` does."""
    path = output_of(options)
    check_suffix(path, tuple(PULL_PX) if options.pull else SUFFIXES)
    if path.suffix.lower() == ".mp4":
        check_encoder()
    look = look_of(options)
    device = choose_device(options.device, look)
    photograph, depth_map = open_photograph(options, device)
    aimed = aim(photograph, depth_map, lens_of(options), options.gamma)
    yield from (f"{options.photograph}: {remark}" for remark in photograph.remarks)
    if options.all:
        yield from make_sheet(path, aimed, photograph, look, device)
    elif options.pull:
        yield from make_pull(path, aimed, photograph, options.renderer or SHAPED, look, device)
    else:
        yield make_picture(path, aimed, photograph, options.renderer or SHAPED, look, device)
    scene = aimed.scene
    focus = scene.write_disparity(scene.focus_disparity)
    yield (
        f"focus on {aimed.subject} ({focus if scene.is_metric else f'disparity {focus}'}), blurred by up to "
        f"{aimed.largest_radius_px:.1f} px, by {depth_map.origin}"
    )


def output_of(options: Namespace) -> Path:
    """Return the file to write: the one that is named, else one in the current folder, after the photograph."""
    if options.output is not None:
        return options.output
    stem = EXAMPLE if options.example else options.photograph.stem
    return Path(f"{stem}-all.png" if options.all else f"{stem}-pull.gif" if options.pull else f"{stem}-bokeh.png")


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


def make_picture(path: Path, aimed: Aimed, photograph: Photograph, name: str, look: Look, device: str) -> str:
    """Render and write one picture."""
    renderer = make_renderer(name, look)
    renderer.fetch()
    renderer.prepare(device)
    picture = renderer.render(aimed.scene)
    bits = write_picture(path, picture, photograph.bits, photograph.profile, photograph.exif)
    height, width = picture.shape[1:]
    return f"{path}: {name}, {width}x{height} px, {bits} bits"


def make_sheet(path: Path, aimed: Aimed, photograph: Photograph, look: Look, device: str) -> Iterator[str]:
    """Render and write the contact sheet; a line for each renderer that is not on it."""
    tiles, lacking = render_tiles(shrink(aimed.scene, SHEET_PX), names_for_sheet(), look, device)
    if len(tiles) == 1:
        raise InvalidOptionError(f"--all: no renderer could render it: {lacking[0]}")
    sheet = torch.from_numpy(
        lay_out([replace(tile, levels=np.asarray(as_srgb(tile.levels, photograph.profile))) for tile in tiles])
    )
    write_picture(path, sheet.permute(2, 0, 1).float() / 255.0)
    yield from (f"left out: {line}" for line in lacking)
    yield f"{path}: {len(tiles) - 1} renderers"


def make_pull(path: Path, aimed: Aimed, photograph: Photograph, name: str, look: Look, device: str) -> Iterator[str]:
    """Render and write the focus pull."""
    renderer = make_renderer(name, look)
    renderer.fetch()
    renderer.prepare(device)
    frames = render_pull(shrink(aimed.scene, PULL_PX[path.suffix.lower()]), renderer, photograph.profile)
    width, height = write_pull(path, frames)
    yield f"{path}: {len(frames)} frames of {width}x{height} px"
