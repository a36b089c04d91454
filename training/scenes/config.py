"""Which scenes a task trains on: the entry ``model.data`` of a configuration."""

from dataclasses import dataclass
from typing import Annotated

from ...core.checks import Within, check, check_choice, check_fields, check_path
from ...datasets.synthetic.random_scenes import SynthesisSettings

DISPARITIES = ("true", "robust")
PICTURES = ("clean", "poor")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where scenes come from: drawn on the fly from ``scenes``, or kept in the folder ``stored`` (``count`` of them).

    ``disparity``: ``true`` gives the model the exact one; ``robust`` one with random errors. ``pictures``: ``clean``,
    or ``poor``: most of them of low quality, see ``low_quality.LowQuality``; the target is the clean picture's bokeh.
    ``crop_px``: side of the square that is cut out of each scene at random. ``validation``: scenes that are never
    trained on.
    """

    scenes: SynthesisSettings
    stored: str | None = None
    count: Annotated[int, Within(0, 10**8)] = 0
    disparity: str = "true"
    pictures: str = "clean"
    crop_px: Annotated[int, Within(16, 4096)] = 256
    validation: SynthesisSettings | None = None

    def __post_init__(self) -> None:
        check_choice("data.disparity", self.disparity, DISPARITIES)
        check_choice("data.pictures", self.pictures, PICTURES)
        check_fields(self, "data.")
        check_path("data.stored", self.stored)
        check("data.crop_px", self.crop_px, self.crop_px <= self.scenes.size_px, "16 to data.scenes.size_px")
        check("data.count", self.count, self.count > 0 or self.stored is None, "above 0 with data.stored")
