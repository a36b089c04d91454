"""What of MagicBokeh is trained: the entry ``model`` of a run's configuration."""

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from ...core.checks import MOST, Within, check, check_choice, check_fields, check_path
from ...renderers.magicbokeh.settings import MagicSettings
from ...renderers.magicbokeh.weight_files import autoencoder_digest
from ..scenes.config import DataConfig
from ..scenes.low_quality import LowQuality

if TYPE_CHECKING:
    import torch

    from ..engine.config import RunConfig
    from ..engine.task import Task

LATENT_LOSSES = ("mse", "psnr")


@dataclass(frozen=True, kw_only=True)
class MagicBokehConfig:
    """The compact network, on the latents of BokehDiff's compact autoencoder.

    - ``data``: scenes; ``draws``: how many poor pictures of each stored scene are kept, by ``low_quality``.
    - ``settings``: of the network; its autoencoder is always the one that ships.
    - ``start``: folder of a network, as ``magicbokeh@FOLDER`` takes it, whose restoration branch is gone on from; the
      bokeh branch starts from its encoder. None: random weights.
    - ``turns``: steps that train the bokeh branch, then steps that train the restoration branch, over and over.
    - ``disjoint``: a step trains its own branch only; otherwise all parameters, whosever turn it is.
    - ``joint``: no turns: every step adds both losses up, and trains all parameters by them.
    - ``restoration_rate``: factor on the restoration branch's learning rate.
    - ``latent_loss``: ``mse``, or ``psnr`` for its logarithm, see ``losses.latent``; ``latent_floor``: of the latter,
      high enough that clean pictures, whose error is 0 from the start, do not outweigh the poor ones.
    """

    data: DataConfig
    draws: Annotated[int, Within(1, 1000)] = 1
    low_quality: LowQuality = field(default_factory=LowQuality)
    settings: MagicSettings = field(default_factory=MagicSettings)
    start: str | None = None
    turns: Annotated[tuple[int, int], Within(0, MOST)] = (8, 4)
    disjoint: bool = True
    joint: bool = False
    restoration_rate: Annotated[float, Within(0.0, 1.0)] = 1.0
    latent_loss: str = "psnr"
    latent_floor: Annotated[float, Within(1e-8, 1.0)] = 1e-3

    def __post_init__(self) -> None:
        check_choice("model.latent_loss", self.latent_loss, LATENT_LOSSES)
        check_fields(self, "model.")
        check_path("start", self.start)
        check("model.turns", self.turns, max(self.turns) > 0, "two numbers of steps, one above 0 at least")
        digest, pitch = autoencoder_digest(), 4 * self.settings.size.multiple
        check("model.settings.autoencoder", self.settings.autoencoder, self.settings.autoencoder in ("", digest), "''")
        object.__setattr__(self, "settings", dataclasses.replace(self.settings, autoencoder=digest))
        pictures = self.data.pictures
        check("model.data.pictures", pictures, pictures == "clean", "clean: low_quality makes poor ones of them")
        crop = self.data.crop_px
        check("model.data.crop_px", crop, crop % pitch == 0, f"a multiple of {pitch}, a token of the coarsest level")
        for name, scenes in (("scenes", self.data.scenes), ("validation", self.data.validation)):
            side = pitch if scenes is None else scenes.size_px
            check(f"model.data.{name}.size_px", side, side % pitch == 0, f"a multiple of {pitch}, as crop_px")

    def identity(self) -> dict[str, Any]:
        """Return what decides the result."""
        values = dataclasses.asdict(self)
        del values["data"]["validation"]
        return values

    def build(self, run: "RunConfig", device: "torch.device") -> "Task":
        """Build the network on ``device``, and the task that trains it."""
        from .task import MagicBokehTask

        return MagicBokehTask(self, run, device)
