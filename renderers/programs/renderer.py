"""What renderers that run an outside program share."""

import math
import time
from abc import abstractmethod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ...core.errors import InvalidOutputError, OutsideError
from ...core.optics import to_display, to_linear
from ..interface import Capabilities, Cost, Renderer, Scene
from .exchange import Pixels
from .process import Program


class ProgramRenderer(Renderer):
    """Renders with an outside program. Sub-classes name ``program`` and write ``blur``.

    The program gets linear light and the absolute radius of the circle of confusion of every pixel; which side of the
    focus a pixel lies on, none of them takes. A scene without defocus is not given to it: the result is the input. Time
    is that of the whole process, files and start included. Where the program is absent, every scene is skipped.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(devices=("cpu",))
    program: ClassVar[Program]
    largest_px: ClassVar[float] = math.inf
    """Radius up to which the program blurs by what it is given; a scene with larger ones is skipped."""

    limit_s: float = 600.0
    """Seconds after which the program is ended and the case has failed."""

    @property
    def version(self) -> str | None:
        """Name and version of the program; None while it is absent."""
        return self.program.version()

    def foreign_code(self) -> dict[str, str]:
        """Return the program's version: an update renders again."""
        return {"program": self.version} if self.version else {}

    def skip(self, scene: Scene) -> str | None:
        """Return why not; of an absent program what to install."""
        absence = None if self.program.find() else self.program.absence()
        return super().skip(scene) or absence or self._say_too_large(scene)

    @abstractmethod
    def blur(self, linear: Pixels, radius_px: Pixels, folder: Path) -> Pixels:
        """Return the blurred picture: (H,W,3) linear light.

        ``linear``: (H,W,3) in [0,1], or [0,inf) with ``hdr``; ``radius_px``: (H,W) >= 0, somewhere above 0; ``folder``:
        empty, for files, removed afterwards.
        """

    def _say_too_large(self, scene: Scene) -> str | None:
        radius_px = float(scene.defocus.abs().max())
        if radius_px <= self.largest_px:
            return None
        return f"blurs by radii of up to {self.largest_px:.0f} px, the scene's is {radius_px:.0f}"

    def _load(self) -> None:
        self.program.require()
        self.backend = self.version

    def _render(self, scene: Scene, seed: int) -> Tensor:
        self.cost, start = None, time.perf_counter()
        radius_px = scene.defocus[0].abs().numpy()
        if not radius_px.any():
            return scene.image
        linear = np.ascontiguousarray(to_linear(scene.image, scene.gamma).permute(1, 2, 0).numpy())
        try:
            with TemporaryDirectory(prefix="bokehbench-") as folder:
                blurred = self.blur(linear, radius_px, Path(folder))
            if blurred.shape != linear.shape:
                raise InvalidOutputError(f"expected {linear.shape}, got {blurred.shape}")
            if not np.isfinite(blurred).all():
                raise InvalidOutputError("the output holds NaN or infinite values")
        except (InvalidOutputError, OutsideError) as error:
            raise type(error)(f"{self.name} on '{scene.name}': {error.reason}", error.reason) from error
        picture = to_display(torch.from_numpy(np.ascontiguousarray(blurred)).permute(2, 0, 1), scene.gamma)
        self.cost = Cost(time.perf_counter() - start, peak_memory_mb=None)  # this process's memory is not the program's
        return picture
