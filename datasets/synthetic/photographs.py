"""Photographs that lie inside installed packages, read without a download."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...core.errors import MissingDataError, UnknownNameError
from ..files.pillow_files import FORMATS, open_image
from ..files.problems import guarded, require_file


@dataclass(frozen=True)
class PackagedPhotograph:
    """Where a photograph lies and what may be done with it. ``file`` is relative to the package's folder."""

    package: str
    file: str
    terms: str


PHOTOGRAPHS = {
    "astronaut": PackagedPhotograph("skimage", "data/astronaut.png", "NASA, public domain"),
    "chelsea": PackagedPhotograph("skimage", "data/chelsea.png", "CC0, Stefan van der Walt"),
    "coffee": PackagedPhotograph("skimage", "data/coffee.png", "CC0, Rachel Michetti"),
    "rocket": PackagedPhotograph("skimage", "data/rocket.jpg", "SpaceX, public domain"),
    "deep-field": PackagedPhotograph("skimage", "data/hubble_deep_field.jpg", "NASA, public domain"),
    "brick": PackagedPhotograph("skimage", "data/brick.png", "CC0, CC0Textures"),
    "grass": PackagedPhotograph("skimage", "data/grass.png", "CC0, linolafett"),
    "gravel": PackagedPhotograph("skimage", "data/gravel.png", "CC0, CC0Textures"),
    "grace-hopper": PackagedPhotograph(
        "matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "US Navy, James S. Davis, public domain"
    ),
    "motorcycle": PackagedPhotograph(
        "skimage", "data/motorcycle_left.png", "Middlebury 2014 stereo benchmark, provided for research"
    ),
}


def packaged_file(package: str, file: str) -> Path:
    """Return the path of ``file`` in the folder of an installed package, which is not imported.

    Raises MissingDataError where the package or the file is absent.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingDataError(f"package '{package}' is not installed: install BokehBench with its dependencies")
    path = Path(spec.origin).parent / file
    if not path.is_file():
        raise MissingDataError(f"{path}: this release of {package} does not carry it: install with constraints.txt")
    return path


def load_photograph(name: str) -> NDArray[np.uint8]:
    """Return a packaged photograph: (H,W,3) uint8, display-encoded; grey ones have three equal channels.

    Raises UnknownNameError, MissingDataError.
    """
    if name not in PHOTOGRAPHS:
        raise UnknownNameError(f"unknown photograph '{name}'. Known: {', '.join(PHOTOGRAPHS)}")
    photograph = PHOTOGRAPHS[name]
    return read_photograph(packaged_file(photograph.package, photograph.file))


def read_photograph(path: Path) -> NDArray[np.uint8]:
    """Read any picture file as (H,W,3) uint8, display-encoded.

    Raises MissingDataError naming a file that cannot be read.
    """
    require_file(path, "a picture")
    with guarded(path), path.open("rb") as file, open_image(path, file, (*FORMATS, "TIFF")) as image:
        return np.asarray(image.convert("RGB"))


def cover(photograph: NDArray[np.uint8], height: int, width: int, place: tuple[float, float]) -> NDArray[np.uint8]:
    """Cut a (height, width, 3) piece out of a photograph, enlarging it first only if it is too small.

    ``place``: (down, across) in [0,1]: 0 is the top or left, 1 the bottom or right.
    """
    rows, columns = photograph.shape[:2]
    scale = max(height / rows, width / columns, 1.0)
    if scale > 1.0:
        size = (max(width, round(columns * scale)), max(height, round(rows * scale)))
        photograph = np.asarray(Image.fromarray(photograph).resize(size, Image.Resampling.LANCZOS))
        rows, columns = photograph.shape[:2]
    top, left = round(place[0] * (rows - height)), round(place[1] * (columns - width))
    return photograph[top : top + height, left : left + width]
