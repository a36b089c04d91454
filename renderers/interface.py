"""The interface of renderers: Renderer, Capabilities; Scene is exported here, too."""

import dataclasses
import logging
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..core.errors import InvalidOptionError, InvalidOutputError
from ..core.scene import Scene, find_range

__all__ = ["Capabilities", "Renderer", "Scene"]

log = logging.getLogger(__name__)

OUTPUT_TOLERANCE = 1e-4
"""How far a renderer's rounding may leave [0,1] before the output counts as wrong."""


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a renderer can do and needs; data, so that a table can show it without running anything."""

    needs_disparity: bool = True
    devices: tuple[str, ...] = ("cpu", "cuda")
    deterministic: bool = True
    differentiable: bool = False
    hdr: bool = False
    """Takes values above 1; where False the base class clips the image first, and says so."""
    size_multiple: int = 1
    """What the network pads to inside; callers may pass any size."""


class Renderer(ABC):
    """A bokeh renderer. Sub-classes set ``name`` and ``capabilities`` and write ``_render``, and ``_load`` if needed.

    ``weights`` says which trained weights make the pictures (None where nothing was trained), ``backend`` which of
    several implementations computes them, known once prepared (None where there is one); each result row names both.
    ``training`` tells a reader how the weights were trained (None where that is not known).
    """

    name: str
    capabilities: ClassVar[Capabilities]
    weights: str | None = None
    backend: str | None = None
    training: str | None = None

    def __init__(self, name: str | None = None):
        if name is not None:
            self.name = name
        self.device = torch.device("cpu")
        self.dtype = torch.float32
        self._prepared = False

    def fetch(self) -> None:  # noqa: B027 - most renderers download nothing
        """Download the weights that are not at hand, so that ``weights`` can name them.

        A run calls this before it plans its cases. Raises MissingWeightsError where they cannot be had.
        """

    def prepare(self, device: str | torch.device = "cpu", dtype: str | torch.dtype = torch.float32) -> None:
        """Load weights and compile kernels: everything that must not count as rendering time.

        Raises InvalidOptionError for a device the renderer or the machine does not have or a type it cannot compute in,
        MissingWeightsError where weights are needed and absent.
        """
        self.device, self.dtype = _checked_device(self, device), _checked_dtype(dtype)
        if self.device.type == "cuda" and self.device.index is not None:
            torch.cuda.set_device(self.device)  # kernels and events start on the current device
        self._load()
        self._prepared = True

    def render(self, scene: Scene, seed: int = 0) -> Tensor:
        """Return the picture a lens would take: (3,H,W) float32, display-encoded, [0,1], on the renderer's device.

        Calls ``prepare()`` with its defaults if nobody did. The same scene and seed give the same bits on one machine
        where ``capabilities.deterministic``. Raises InvalidOutputError if the result is not what is promised here.
        """
        if not self._prepared:
            self.prepare()
        if not self.capabilities.hdr and float(scene.image.max()) > 1.0:
            log.warning("%s does not take values above 1: the highlights of '%s' are clipped", self.name, scene.name)
            scene = dataclasses.replace(scene, image=scene.image.clamp(max=1.0))
        output = self._render(scene.without_target().to(self.device), seed)
        return _checked_output(self.name, output, scene)

    def forget(self) -> None:  # noqa: B027 - most renderers keep nothing
        """Drop whatever was kept of earlier scenes, so that the next render costs what a new scene's does."""

    def _load(self) -> None:  # noqa: B027 - most classical renderers have nothing to load
        """Load what ``_render`` needs onto ``self.device`` in ``self.dtype``."""

    @abstractmethod
    def _render(self, scene: Scene, seed: int) -> Tensor:
        """Render a validated scene whose tensors are on ``self.device``; return (3,H,W) in [0,1].

        The scene is shared with other renders: do not change its tensors in place.
        """


def _checked_device(renderer: Renderer, device: str | torch.device) -> torch.device:
    try:
        parsed = torch.device(device)
    except RuntimeError as error:
        raise InvalidOptionError(f"unknown device '{device}': use cpu or cuda") from error
    if parsed.type not in renderer.capabilities.devices:
        supported = ", ".join(renderer.capabilities.devices)
        raise InvalidOptionError(f"{renderer.name} does not run on '{device}': it supports {supported}")
    if parsed.type == "cuda" and not torch.cuda.is_available():
        raise InvalidOptionError(f"device '{device}': torch {torch.__version__} sees no CUDA device: use --device cpu")
    return parsed


def _checked_dtype(dtype: str | torch.dtype) -> torch.dtype:
    known = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
    name = str(dtype).removeprefix("torch.")
    if name not in known:
        raise InvalidOptionError(f"unknown dtype '{name}': use one of {', '.join(known)}")
    return known[name]


def _checked_output(name: str, output: Tensor, scene: Scene) -> Tensor:
    expected = (3, scene.height, scene.width)
    if tuple(output.shape) != expected:
        raise InvalidOutputError(f"{name} on '{scene.name}': expected {expected}, got {tuple(output.shape)}")
    output = output.to(torch.float32)
    low, high = find_range(output)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InvalidOutputError(f"{name} on '{scene.name}': the output holds NaN or infinite values")
    if low < -OUTPUT_TOLERANCE or high > 1.0 + OUTPUT_TOLERANCE:
        raise InvalidOutputError(f"{name} on '{scene.name}': the output spans [{low:g}, {high:g}], expected [0, 1]")
    return output.clamp(0.0, 1.0)
