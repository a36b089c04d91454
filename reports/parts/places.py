"""Where the renders of a scene differ most: the crops that a reader wants to see first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

PLACES = 3
WINDOW_PX = 64
"""The side of the square over which a difference is averaged, in px; half of a picture's shorter side at most."""

SAME_PICTURE = 0.5
"""A mean absolute difference to the input, in levels of 255, below which a render is the input: an unblurred floor."""


@dataclass(frozen=True)
class Place:
    """The centre of a crop as fractions of width and height, and how much renders differ there, in levels of 255."""

    x: float
    y: float
    difference: float


def find_places(
    renders: Sequence[Path], given: Path | None, target: Path | None, read: Callable[[Path], Image.Image]
) -> list[Place]:
    """Return up to three places, the largest difference first, that lie apart.

    The difference is the standard deviation over renders, averaged over RGB and a window. A render that is the input
    itself is left out: it differs wherever there is any blur. Of one render it is the difference to the target, else
    to the input. Nothing is chosen where all are the same, or of different sizes.
    """
    pictures = [_pixels(read(path)) for path in renders]
    source = _pixels(read(given)) if given else None
    blurred = [one for one in pictures if not _is_same(one, source)]
    compared = blurred if len(blurred) > 1 else _pair(blurred or pictures, source, target, read)
    if len(compared) < 2 or len({one.shape for one in compared}) > 1:
        return []
    return choose_places(_spread(compared))


def choose_places(difference: NDArray[np.float32]) -> list[Place]:
    """Return the places where (H,W) ``difference``, averaged over windows inside the picture, is largest."""
    height, width = difference.shape
    side = max(1, min(WINDOW_PX, min(height, width) // 2))
    half = side // 2
    mean = cv2.boxFilter(difference, -1, (side, side), borderType=cv2.BORDER_REFLECT)
    inside = np.full_like(mean, -1.0)
    inside[half : height - half, half : width - half] = mean[half : height - half, half : width - half]
    apart = max(height, width) // 4
    chosen: list[Place] = []
    for _ in range(PLACES):
        row, column = divmod(int(inside.argmax()), width)
        if inside[row, column] <= 0.0:
            break
        chosen.append(Place((column + 0.5) / width, (row + 0.5) / height, float(inside[row, column])))
        inside[max(0, row - apart) : row + apart + 1, max(0, column - apart) : column + apart + 1] = -1.0
    return chosen


def _pair(
    pictures: Sequence[Pixels], given: Pixels | None, target: Path | None, read: Callable[[Path], Image.Image]
) -> list[Pixels]:
    """Return one render with what it is held against."""
    other = _pixels(read(target)) if target else given
    return [] if other is None else [*pictures[:1], other]


def _is_same(picture: Pixels, given: Pixels | None) -> bool:
    if given is None or picture.shape != given.shape:
        return False
    return float(cv2.absdiff(picture, given).mean()) < SAME_PICTURE


def _spread(pictures: Sequence[Pixels]) -> NDArray[np.float32]:
    """Return the standard deviation over pictures, averaged over RGB, in levels."""
    total, squares = (np.zeros(pictures[0].shape, np.float32) for _ in range(2))
    for picture in pictures:
        cv2.accumulate(picture, total)
        cv2.accumulateSquare(picture, squares)
    mean = total / len(pictures)
    spread: NDArray[np.float32] = np.sqrt(np.maximum(squares / len(pictures) - mean**2, 0.0)).mean(axis=2)
    return spread


def _pixels(picture: Image.Image) -> Pixels:
    return np.asarray(picture.convert("RGB"))
