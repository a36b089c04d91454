"""What a row says of the part of its picture that wrong disparity reaches; ``robustness.wrong_band`` defines it."""

from typing import Annotated

from annotated_types import Ge, Le
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from ...core.records import EXPLAINED

Share = Annotated[float, Ge(0), Le(1)]
Decibels = Annotated[float, Ge(0), Le(100)]


class WrongBand(TypedDict):
    """PSNR in dB of a picture from wrong disparity, by what the error of the map can reach; null where no pixel is."""

    __pydantic_config__ = EXPLAINED  # type: ignore[misc]
    share: Share
    """The part of the picture that wrong disparity reaches: the wrong band."""
    inside: Decibels | None
    """Within the wrong band."""
    outside: Decibels | None
    """Outside it."""
    true_inside: Decibels | None
    """Within the same band, of the renderer's picture from the true disparity."""
    true_outside: Decibels | None
    """Outside the same band, of the renderer's picture from the true disparity."""
    true_image_sha256: str
    """Of that picture."""
    measured_by: str
    """Digest of the code that measured it."""
