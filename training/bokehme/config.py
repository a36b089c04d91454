"""What of BokehMe is trained: the entry ``model`` of a run's configuration."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from ...core.checks import Within, check_choice, check_fields, check_path
from ..scenes.config import DataConfig

if TYPE_CHECKING:
    import torch

    from ..engine.config import RunConfig
    from ..engine.task import Task

BASE = "classical"
"""The renderer whose picture the networks repair."""

BLEND_LOSSES = ("l1", "psnr")


@dataclass(frozen=True, kw_only=True)
class BokehMeConfig:
    """Both networks, trained together as they render.

    - ``data``: scenes, stored or made on the fly with ``classical``'s picture of each.
    - ``start``: folder of networks to go on from, as ``bokehme@FOLDER`` takes it; None: random weights.
    - ``error_weight``: of the error map's own term beside the pictures' (see ``task``).
    - ``blend_loss``: ``l1``, or ``psnr``: 0.01 ln(mse + 3e-5) of each sample's blend.
    - ``right_weight``: what a pixel counts in the levels' terms where the classical picture is right; 1 where not.
    """

    data: DataConfig
    start: str | None = None
    error_weight: Annotated[float, Within(0.0, 1e3)] = 0.02
    blend_loss: str = "l1"
    right_weight: Annotated[float, Within(0.0, 1.0)] = 1.0

    def __post_init__(self) -> None:
        check_choice("model.blend_loss", self.blend_loss, BLEND_LOSSES)
        check_fields(self, "model.")
        check_path("start", self.start)

    def identity(self) -> dict[str, Any]:
        """Return what decides the result."""
        values = dataclasses.asdict(self)
        del values["data"]["validation"]
        return values

    def build(self, run: "RunConfig", device: "torch.device") -> "Task":
        """Build the networks on ``device``, and the task that trains them."""
        from .task import BokehMeTask

        return BokehMeTask(self, run).to(device)
