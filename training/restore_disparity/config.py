"""What of the network that restores disparity is trained: the entry ``model`` of a run's configuration."""

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from ...core.checks import Within, check, check_fields, check_path
from ..scenes.config import DataConfig
from .wrong_inputs import WrongInputs

if TYPE_CHECKING:
    import torch

    from ..engine.config import RunConfig
    from ..engine.task import Task


@dataclass(frozen=True, kw_only=True)
class RestoreDisparityConfig:
    """The network, against true maps.

    - ``data``: scenes, with clean pictures and true maps; ``wrong``: what is made wrong about both.
    - ``start``: folder of a network to go on from, as ``restore-disparity@FOLDER`` takes it; None: the identity.
    - ``floor_px``: error of the blur radius, root of its mean square, below which a map counts as right, in px.
    """

    data: DataConfig
    wrong: WrongInputs = field(default_factory=WrongInputs)
    start: str | None = None
    floor_px: Annotated[float, Within(1e-6, 1e3)] = 0.1

    def __post_init__(self) -> None:
        check_fields(self, "model.")
        check_path("start", self.start)
        for name, allowed in (("disparity", "true"), ("pictures", "clean")):
            value = getattr(self.data, name)
            check(f"model.data.{name}", value, value == allowed, f"{allowed}: model.wrong makes wrong ones of them")

    def identity(self) -> dict[str, Any]:
        """Return what decides the result."""
        values = dataclasses.asdict(self)
        del values["data"]["validation"]
        return values

    def build(self, run: "RunConfig", device: "torch.device") -> "Task":
        """Build the network on ``device``, and the task that trains it."""
        from .task import RestoreDisparityTask

        return RestoreDisparityTask(self, run).to(device)
