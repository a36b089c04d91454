"""A focus pull: the focus moves from what is farthest to what is nearest and back, as GIF or MP4."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..core.atomic_files import write_atomically
from ..core.errors import InvalidOptionError
from ..core.scene import Scene
from ..renderers.interface import Renderer
from .writing import as_srgb, to_levels

LONGEST_PX = {".gif": 480, ".mp4": 1280}
"""Of a frame; frames are rendered at that size."""

FRAMES = 24
"""There; as many come back."""

FRAMES_A_SECOND = 12
ENDS = (0.02, 0.98)
"""Quantiles of disparity between which the focus moves."""


def render_pull(scene: Scene, renderer: Renderer, profile: bytes | None, frames: int = FRAMES) -> list[Image.Image]:
    """Return the frames, in sRGB, for a loop. The largest blur radius over all of them is that of ``scene``."""
    disparity = scene.disparity.numpy()
    far, near = (float(np.quantile(disparity, end)) for end in ENDS)
    reach = max(float(disparity.max()) - far, near - float(disparity.min()))
    if reach == 0.0:
        raise InvalidOptionError(
            f"--pull: the map is constant at {scene.width}x{scene.height} px: expected one that varies by more than "
            "single pixels"
        )
    strength = float(scene.defocus.abs().max()) / reach
    there = [
        _render(replace(scene, focus_disparity=float(focus), blur_strength=strength), renderer, profile)
        for focus in np.linspace(far, near, frames)
    ]
    return [*there, *there[-2:0:-1]]


def _render(scene: Scene, renderer: Renderer, profile: bytes | None) -> Image.Image:
    return as_srgb(to_levels(renderer.render(scene), 8), profile)


def write_pull(path: Path, frames: list[Image.Image]) -> tuple[int, int]:
    """Write frames of one size as an endless GIF, or as MP4; return width and height as they are in the file."""
    if path.suffix.lower() == ".gif":
        first, *others = frames
        write_atomically(
            path,
            lambda file: first.save(
                file, "GIF", save_all=True, append_images=others, duration=round(1000 / FRAMES_A_SECOND), loop=0
            ),
        )
        return first.size
    arrays = [even_sided(np.asarray(frame)) for frame in frames]
    data = encode_mp4(arrays)
    write_atomically(path, lambda file: file.write(data))
    return arrays[0].shape[1], arrays[0].shape[0]


def check_encoder() -> None:
    """Raise InvalidOptionError where MP4 cannot be written here."""
    try:
        import imageio_ffmpeg  # noqa: F401
    except ImportError as error:
        raise InvalidOptionError(
            "MP4 needs the package imageio-ffmpeg: pip install -c constraints.txt -e '.[video]', or name a .gif"
        ) from error


def even_sided(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture without its last row or column where their number is odd: H.264 wants them even."""
    return pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]


def encode_mp4(frames: list[NDArray[np.uint8]]) -> bytes:
    """Return the frames as H.264 in an MP4 file's bytes."""
    import imageio.v3 as iio

    content = BytesIO()
    iio.imwrite(content, frames, extension=".mp4", plugin="FFMPEG", fps=FRAMES_A_SECOND, macro_block_size=2)
    return content.getvalue()
