"""What every decoder returns: values as stored, the alpha apart."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from .problems import Problem, refusal

Role = Literal["picture", "disparity", "depth"]
"""What a file is read for: it decides which channel of several, or which array of several, is meant."""

OPAQUE = 0.999
"""Least alpha of an opaque picture: renderers' sums of filter weights are not exactly 1; 254 of 255 is less."""

LEAST_OF_32_BITS = 1 << 16
"""32-bit numbers below this could have been stored in 16: they are no shares of 32 bits."""


@dataclass(frozen=True)
class Raster:
    """Values as stored, upright, rows from the top.

    - ``pixels``: (H,W,C), colours in the order R, G, B; ``alpha``: (H,W) in the same units, or None.
    - ``top``: the whole number that stands for 1, None for floats.
    - ``linear``: whether the values are linear light rather than display-encoded.
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None = None
    top: int | None = None
    linear: bool = False

    @classmethod
    def of(cls, pixels: NDArray[Any], top: int | None = None, linear: bool = False) -> Self:
        """Return (H,W) or (H,W,C) as a raster: of two or four channels the last is alpha.

        ``top``: None for that of the type of whole numbers.
        """
        if pixels.dtype == np.bool_:
            pixels, top = pixels.astype(np.uint8), 1
        if top is None and pixels.dtype.kind in "ui":
            top = int(np.iinfo(pixels.dtype).max)
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
            return cls(pixels[..., :-1], pixels[..., -1], top, linear)
        return cls(pixels, None, top, linear)

    def turned(self, orientation: int) -> Self:
        """Turn it upright as an EXIF orientation (1 to 8) says."""
        alpha = None if self.alpha is None else turn(self.alpha, orientation)
        return replace(self, pixels=turn(self.pixels, orientation), alpha=alpha)

    def scaled(self, path: Path) -> NDArray[np.float32]:
        """Return the pixels as float32: floats as stored, whole numbers over ``top``.

        Raises DamagedDataError for a type of value that is neither, and as ``require_shares`` does.
        """
        if self.top is None:
            return self.stored(path)
        self._require_numbers(path)
        self.require_shares(path)
        return np.divide(self.pixels, np.float32(self.top), dtype=np.float32)

    def require_shares(self, path: Path) -> None:
        """Raise DamagedDataError for 32-bit numbers that are all so small that ``top`` does not stand for 1."""
        if self.top is not None and self.top > LEAST_OF_32_BITS and self.pixels.size:
            largest = int(self.pixels.max())
            if largest < LEAST_OF_32_BITS:
                raise refusal(path, Problem.SMALL_NUMBERS, value=largest)

    def stored(self, path: Path) -> NDArray[np.float32]:
        """Return the pixels as float32, not scaled. Raises DamagedDataError for what is no plain number."""
        self._require_numbers(path)
        with np.errstate(over="ignore"):  # becomes infinite, which is named where it is looked for
            return self.pixels.astype(np.float32)

    def _require_numbers(self, path: Path) -> None:
        dtype = self.pixels.dtype
        if not (dtype.kind == "f" or (dtype.kind in "ui" and dtype.itemsize <= 4 and self.top is not None)):
            raise refusal(path, Problem.VALUE_TYPE, found=dtype)

    def require_opaque(self, path: Path) -> None:
        """Raise DamagedDataError where the alpha says that something is transparent."""
        if self.alpha is not None and not bool((self.alpha >= OPAQUE * (self.top or 1)).all()):
            raise refusal(path, Problem.TRANSPARENT)

    @property
    def shape(self) -> str:
        """The pixels' shape as ``HxWxC``."""
        return "x".join(map(str, self.pixels.shape))


def turn(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn (H,W,...) upright as an EXIF orientation (1 to 8) says; others change nothing."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
