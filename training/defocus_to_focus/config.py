"""What of Defocus to Focus is trained: the entry ``model`` of a run's configuration, one type a stage."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from ...core.checks import Within, check, check_fields, check_path
from ...renderers.defocus_to_focus.weight_files import check_profile
from .habit_scenes import HabitSettings

if TYPE_CHECKING:
    import torch

    from ..engine.config import RunConfig
    from ..engine.task import Task


@dataclass(frozen=True, kw_only=True)
class HabitData:
    """Where scenes come from: drawn on the fly from ``scenes``, or kept in the folder ``stored`` (``count`` of them).

    ``validation``: scenes that are never trained on.
    """

    scenes: HabitSettings
    stored: str | None = None
    count: Annotated[int, Within(0, 10**8)] = 0
    validation: HabitSettings | None = None

    def __post_init__(self) -> None:
        check_fields(self, "data.")
        check_path("data.stored", self.stored)
        check("data.count", self.count, self.count > 0 or self.stored is None, "above 0 with data.stored")


@dataclass(frozen=True, kw_only=True)
class _StageConfig:
    """What both stages have.

    - ``data``: scenes by the habit.
    - ``profile``: ``code`` or ``paper``, see the renderer's ``weight_files``.
    - ``start``: folder of networks to go on from, as ``defocus-to-focus@FOLDER`` takes it.
    """

    data: HabitData
    profile: str = "code"
    start: str | None = None

    def __post_init__(self) -> None:
        check_profile(self.profile)
        check_fields(self, "model.")
        check_path("start", self.start)

    def identity(self) -> dict[str, Any]:
        """Return what decides the result."""
        values = dataclasses.asdict(self)
        del values["data"]["validation"]
        return values


@dataclass(frozen=True, kw_only=True)
class DefocusConfig(_StageConfig):
    """Stage 1: the network that guesses defocus, and the one that weighs pixels.

    - ``seen_px``: shorter side at which the compact network sees pictures, now and in the result; 0: as large as the
      scenes are.
    - ``rendering_from``: share of the steps after which the picture counts beside the defocus; ``hardness``: of the
      layers' masks then and at the end, between which it grows evenly in its logarithm.
    - ``likelihood``: weight of the defocus's cross-entropy at the first step, which falls evenly to 0.
    - ``edges``, ``picture``, ``ssim``: weights of the terms beside the defocus's own, which weighs 1.

    Scenes that are drawn on the fly are traced only where the picture ever counts, ``rendering_from`` below 1.
    """

    seen_px: Annotated[int, Within(0, 4096)] = 0
    rendering_from: Annotated[float, Within(0.0, 1.0)] = 0.2
    hardness: Annotated[tuple[float, float], Within(1e-3, 1e6)] = (10.0, 100.0)
    likelihood: Annotated[float, Within(0.0, 1e3)] = 0.0
    edges: Annotated[float, Within(0.0, 1e3)] = 0.5
    picture: Annotated[float, Within(0.0, 1e3)] = 1.0
    ssim: Annotated[float, Within(0.0, 1e3)] = 0.5

    def build(self, run: "RunConfig", device: "torch.device") -> "Task":
        """Build the networks on ``device``, and the task that trains them."""
        from .defocus_task import DefocusTask

        return DefocusTask(self, run).to(device)


@dataclass(frozen=True, kw_only=True)
class FusionConfig(_StageConfig):
    """Stage 2: the network that fuses sharp and blurred picture, on stage 1 as it stands in ``start``.

    ``gradients``, ``mask``: weights of the result's gradients, and of the first mask, which falls to 0 by the end.
    """

    gradients: Annotated[float, Within(0.0, 1e3)] = 1.0
    mask: Annotated[float, Within(0.0, 1e3)] = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check("start", self.start, self.start is not None, "the folder that stage 1 saved")

    def build(self, run: "RunConfig", device: "torch.device") -> "Task":
        """Build the network on ``device``, and the task that trains it."""
        from .fusion_task import FusionTask

        return FusionTask(self, run).to(device)
