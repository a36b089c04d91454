"""The pictures of a report: full size, thumbnail, coloured disparity, error map.

Files are named by what they are made from, so that one which exists is up to date and a rebuilt report makes only what
is new. Nothing here is a metric: error maps are for the eye.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...core.errors import MissingDataError
from ...core.files import safe_name, sha256_of, write_atomically, write_json
from ...core.progress import ProgressBar
from ..files.assets import Assets
from .places import Place, find_places

THUMBNAIL_WIDTH_PX = 480
ERROR_SCALE = 0.25
"""The absolute difference, of a display range of 1, that gets the brightest colour of an error map."""

DISPARITY_COLOURS = "viridis"
ERROR_COLOURS = "magma"
PICTURE_RECIPE = "1"
"""Changes with how pictures are made: files of another recipe are not reused."""

PLACES_RECIPE = "1"
"""The same for where renders differ."""

PICTURES_AT_ONCE = 8


@dataclass(frozen=True)
class Picture:
    """A picture in the report: two URLs relative to its folder."""

    full: str
    thumbnail: str


class PictureMaker:
    """Collects what a report shows, then makes the files that are not there yet.

    Pictures are asked for by ``photograph``, ``disparity`` and ``error_map``; ``place`` names one (data set, scene,
    what). ``make`` writes them, and fills in what ``places`` gave. All that were asked for count among the files of
    ``assets``.
    """

    def __init__(self, assets: Assets):
        self.assets = assets
        self._jobs: dict[str, Callable[[], None]] = {}
        self._digests: dict[Path, str] = {}
        self.faults: dict[str, None] = {}

    def digest(self, source: Path) -> str:
        """Return the SHA-256 of a file, read once per report."""
        if source not in self._digests:
            self._digests[source] = sha256_of(source)
        return self._digests[source]

    def find_fault(self, source: Path, sha256: str | None) -> str | None:
        """Return what is wrong with a stored picture; None where it is the one with this SHA-256.

        Runs of earlier versions store no SHA-256 of some pictures: these only have to be readable. ``faults`` collects
        what was found, one line a picture.
        """
        fault = self._look_at(source, sha256)
        if fault is not None:
            self.faults[f"{source}: {fault}"] = None
        return fault

    def _look_at(self, source: Path, sha256: str | None) -> str | None:
        if not source.is_file():
            return "is missing from the run's folder"
        try:
            if sha256 is None:
                _read(source)
            elif self.digest(source) != sha256:
                return "has changed since it was scored"
        except (OSError, MissingDataError):
            return "cannot be read"
        return None

    def photograph(self, source: Path, place: Sequence[str]) -> Picture:
        """An 8-bit picture as it is stored, linked rather than copied where the file system can."""
        return self._plan(place, [source], lambda full, thumb: _write_photograph(source, full, thumb))

    def disparity(self, source: Path, place: Sequence[str]) -> Picture:
        """A 16-bit grey disparity map in colour: brighter is nearer."""
        return self._plan(place, [source], lambda full, thumb: _write_disparity(source, full, thumb))

    def error_map(self, render: Path, target: Path, place: Sequence[str]) -> Picture:
        """The absolute difference to the target, averaged over RGB, in colour on the fixed ``ERROR_SCALE``."""
        return self._plan(place, [render, target], lambda full, thumb: _write_error(render, target, full, thumb))

    def values(self, values: NDArray[np.float32], colours: str, place: Sequence[str]) -> Picture:
        """An (H,W) map in [0,1] that was computed, in a colour map."""
        *folders, what = place
        digest = hashlib.sha256(values.tobytes()).hexdigest()[:12]
        write = partial(_write_coloured, values, colours)
        return self._plan((*folders, f"{what}-{digest}"), [], write)

    def places(
        self, renders: Sequence[Path], given: Path | None, target: Path | None, place: Sequence[str]
    ) -> list[Place]:
        """Where the renders of a scene differ most, see ``find_places``: a list that ``make`` fills."""
        found: list[Place] = []
        sources = [path for path in (given, target, *renders) if path]
        parts = [PLACES_RECIPE, *map(self.digest, sources), str(given is not None), str(target is not None)]
        digest = hashlib.sha256("-".join(parts).encode()).hexdigest()[:12]
        name = "/".join(["assets", "places", *map(safe_name, place[:-1]), f"{safe_name(place[-1])}-{digest}.json"])
        self.assets.files.add(name)

        def find() -> None:
            path = self.assets.folder / name
            if not _read_places(path, found):
                found.extend(find_places(renders, given, target, _read))
                write_json(path, [[one.x, one.y, one.difference] for one in found])

        self._jobs[name] = find
        return found

    def make(self) -> None:
        """Write what is not there yet. Raises MissingDataError for a stored picture that cannot be read."""
        if not self._jobs:
            return
        workers = min(PICTURES_AT_ONCE, os.cpu_count() or 1)
        with (
            ThreadPoolExecutor(workers) as pool,
            ProgressBar(total=len(self._jobs), unit="picture", delay=1) as progress,
        ):
            for _ in pool.map(lambda job: job(), self._jobs.values()):
                progress.update()
        self._jobs.clear()

    def _plan(self, place: Sequence[str], sources: Sequence[Path], write: Callable[[Path, Path], None]) -> Picture:
        made_from = "-".join([PICTURE_RECIPE, str(THUMBNAIL_WIDTH_PX), str(ERROR_SCALE), *map(self.digest, sources)])
        digest = hashlib.sha256(made_from.encode()).hexdigest()[:12]
        *folders, what = (safe_name(part) for part in place)
        base = "/".join(["assets", "pictures", *folders, f"{what}-{digest}"])
        full, thumbnail = f"{base}.png", f"{base}.webp"
        self.assets.files |= {full, thumbnail}
        paths = self.assets.folder / full, self.assets.folder / thumbnail
        if not all(path.exists() for path in paths):
            self._jobs[base] = partial(write, *paths)
        return Picture(full, thumbnail)


def _read_places(path: Path, found: list[Place]) -> bool:
    """Add the places of a file to ``found``; False where there is none that can be read."""
    try:
        stored = [Place(*map(float, one)) for one in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return False
    found.extend(stored)
    return True


def describe_colours() -> dict[str, Any]:
    """Return the colour maps of disparity and error for the legend, and the error that is brightest."""
    return {
        "disparity": _colour_ramp(DISPARITY_COLOURS),
        "error": _colour_ramp(ERROR_COLOURS),
        "error_scale": ERROR_SCALE,
    }


def _colour_ramp(name: str, stops: int = 9) -> list[str]:
    """Return a colour map as CSS colours, dark to bright."""
    return [mpl.colors.to_hex(mpl.colormaps[name](position)) for position in np.linspace(0.0, 1.0, stops)]


def _write_photograph(source: Path, full: Path, thumbnail: Path) -> None:
    _write_thumbnail(thumbnail, _shrink(_read(source).convert("RGB")))
    _link_or_copy(source, full)


def _write_disparity(source: Path, full: Path, thumbnail: Path) -> None:
    levels = np.asarray(_read(source)).astype(np.float32)
    _write_coloured(levels / 65535.0, DISPARITY_COLOURS, full, thumbnail)


def _write_error(render: Path, target: Path, full: Path, thumbnail: Path) -> None:
    first, second = (np.asarray(_read(source).convert("RGB"), np.float32) for source in (render, target))
    difference = np.abs(first - second)
    _write_coloured(difference.mean(axis=2) / (255.0 * ERROR_SCALE), ERROR_COLOURS, full, thumbnail)


def _write_coloured(values: NDArray[np.float32], colours: str, full: Path, thumbnail: Path) -> None:
    """Write an (H,W) map in [0,1], clipped, as a PNG with the colour map for a palette: a third of the size of RGB."""
    picture = Image.fromarray((values.clip(0.0, 1.0) * 255.0).round().astype(np.uint8)).convert("P")
    palette = mpl.colormaps[colours](np.arange(256), bytes=True)[:, :3]
    picture.putpalette(palette.tobytes())
    _write_thumbnail(thumbnail, _shrink(picture.convert("RGB")))
    write_atomically(full, lambda file: picture.save(file, "PNG", compress_level=4))


def _shrink(picture: Image.Image) -> Image.Image:
    if picture.width <= THUMBNAIL_WIDTH_PX:
        return picture
    height = max(1, round(picture.height * THUMBNAIL_WIDTH_PX / picture.width))
    return picture.resize((THUMBNAIL_WIDTH_PX, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _write_thumbnail(path: Path, picture: Image.Image) -> None:
    write_atomically(path, lambda file: picture.save(file, "WEBP", quality=84, method=2))


def _link_or_copy(source: Path, destination: Path) -> None:
    """Share the file with the run: both only ever replace whole files, so neither can change the other's."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, destination)
    except FileExistsError:
        return
    except OSError:  # another file system, or one without hard links
        with source.open("rb") as stored:
            write_atomically(destination, lambda file: shutil.copyfileobj(stored, file))


def _read(source: Path) -> Image.Image:
    try:
        with Image.open(source) as picture:
            picture.load()
            return picture
    except OSError as error:
        raise MissingDataError(f"{source}: not a readable picture ({error}): give the run's command again") from error
