"""The interface of renderers: Renderer, Capabilities; Scene is exported here, too."""

import logging
import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..core.errors import InvalidOptionError, InvalidOutputError, SkippedSceneError
from ..core.scene import INPUT_FIELDS, GivenScene, Scene, find_range
from ..core.torch_state import keeping_torch_state

__all__ = ["LENS_INPUTS", "PICTURE_ONLY", "Capabilities", "Cost", "Renderer", "Scene"]

log = logging.getLogger(__name__)

PICTURE_ONLY = frozenset({"picture"})
LENS_INPUTS = frozenset({"picture", "disparity", "focus", "blur strength", "gamma"})
"""What every scene has, and a renderer that computes a lens needs."""

OUTPUT_TOLERANCE = 1e-4
"""How far a renderer's rounding may leave [0,1] before the output counts as wrong."""


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a renderer can do and needs; data, so that a table can show it without running anything."""

    inputs: frozenset[str] = LENS_INPUTS
    """What it reads of a scene, some of ``core.scene.INPUT_FIELDS``; the rest is withheld from it.

    ``picture`` always; ``disparity``; ``focus``: the disparity in focus; ``blur strength``: px per unit of disparity;
    ``gamma``: of the display transfer; ``f-number``: scenes without one are skipped.
    """
    scale: int = 1
    """How many times larger than its input its output is; scenes whose target has another scale are skipped."""
    devices: tuple[str, ...] = ("cpu", "cuda")
    deterministic: bool = True
    hdr: bool = False
    """Takes values above 1; where False the base class clips the image first, and says so."""

    def __post_init__(self) -> None:
        unknown = self.inputs - set(INPUT_FIELDS)
        if unknown or "picture" not in self.inputs:
            known = ", ".join(INPUT_FIELDS)
            raise InvalidOptionError(
                f"capabilities: inputs: expected 'picture' and others of {known}, got {sorted(self.inputs)}"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the fields as run.json keeps them; inputs are a list in a fixed order."""
        return asdict(self) | {"inputs": [word for word in INPUT_FIELDS if word in self.inputs]}


@dataclass(frozen=True)
class Cost:
    """What a render took in another process; ``peak_memory_mb``: MiB at the most, None where that is not known."""

    seconds: float
    peak_memory_mb: float | None


class Renderer(ABC):
    """A bokeh renderer. Sub-classes set ``name`` and ``capabilities`` and write ``_render``, and ``_load`` if needed.

    The order of calls: ``fetch`` before cases are planned; ``skip`` for each scene; ``prepare``, which calls ``_load``,
    once before the first scene that is not skipped; then ``render`` for each scene, which is ``accept``,
    ``render_accepted`` and ``check``. Only ``render_accepted``, that is ``_render``, is ever timed. ``forget`` may come
    between any two renders.

    ``weights`` says which trained weights make the pictures (None where nothing was trained), ``backend`` which of
    several implementations computes them, known once prepared (None where there is one); each result row names both.
    ``training`` tells a reader how the weights were trained (None where that is not known).
    ``cost`` is what the last render took, where another process made it; None: whoever calls holds the clock.
    """

    name: str
    capabilities: ClassVar[Capabilities]
    weights: str | None = None
    backend: str | None = None
    training: str | None = None
    seconds_per_megapixel: ClassVar[float] = 3.0
    """Roughly, on two CPU cores: the progress bar's guess before it has seen any."""
    cost: Cost | None = None

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
        self.device, self.dtype = self._take_device(_checked_device(self, device)), _checked_dtype(dtype)
        with keeping_torch_state():
            self._load()
        self._prepared = True

    def compile_kernels(self) -> None:  # noqa: B027 - most renderers compile nothing
        """Compile for the CPU what ``prepare`` would have compiled, without weights.

        A process beside the run calls this, for the cache that both share.
        """

    def skip(self, scene: Scene) -> str | None:
        """Return why this renderer cannot do ``scene``, in words for the report; None where it can.

        Such a case is listed as skipped, and never scored. Every command asks, before anything is loaded, with all of
        the scene but its target. A sub-class that has reasons of its own returns ``super().skip(scene) or ...``.
        """
        missing = [word for word in INPUT_FIELDS if word in self.capabilities.inputs - scene.inputs]
        if missing:
            return f"needs the {' and the '.join(missing)}, which the scene does not give"
        if scene.scale != self.capabilities.scale:
            return f"renders at {self.capabilities.scale}x the input's size, the scene asks for {scene.scale}x"
        return None

    def render(self, scene: Scene, seed: int = 0) -> Tensor:
        """Return the picture a lens would take: (3,H,W) float32, display-encoded, [0,1], on the renderer's device.

        H and W are the scene's, times ``scale`` both. Calls ``prepare()`` with its defaults where needed. The same
        scene and seed give the same bits on one machine where ``capabilities.deterministic``. Raises SkippedSceneError
        for a scene that ``skip`` refuses, InvalidOutputError if the result is not what is promised here.
        """
        given = self.accept(scene)
        return self.check(self.render_accepted(given, seed), given)

    def accept(self, scene: Scene) -> GivenScene:
        """Return what the renderer sees of a scene: a copy of its ``inputs``, on its device, clipped without ``hdr``.

        Calls ``prepare()`` if that was not done. Raises SkippedSceneError where ``skip`` has a reason.
        """
        if not self._prepared:
            self.prepare()
        reason = self.skip(scene)
        if reason is not None:
            raise SkippedSceneError(f"{self.name} on '{scene.name}': {reason}", reason)
        given = scene.given(self.capabilities.inputs)
        if not self.capabilities.hdr and float(scene.image.max()) > 1.0:
            log.warning("%s does not take values above 1: the highlights of '%s' are clipped", self.name, scene.name)
            given = given.with_image(scene.image.clamp(max=1.0))
        return given.to(self.device, copy=True)

    def render_accepted(self, scene: GivenScene, seed: int = 0) -> Tensor:
        """Return the picture of a scene that ``accept`` returned, unchecked: what a clock is held to."""
        return self._render(scene, seed)

    def check(self, output: Tensor, scene: Scene) -> Tensor:
        """Return the render of ``scene`` as float32, its rounding clipped to [0,1].

        Raises InvalidOutputError for another shape or type, for values that are not finite, or that leave [0,1].
        """
        return _checked_output(self.name, output, scene)

    def foreign_code(self) -> dict[str, str]:
        """Return, by name, digests or versions of what makes the pictures and is no module that this one imports."""
        return {}

    def guess_radius_px(self, image: Tensor) -> Tensor | None:
        """Return the radii, px, (1,H,W), that a renderer which is given the picture alone (3,H,W) blurs it by.

        The report compares them with the truth. ``prepare`` comes first. None: it is given the lens, or cannot say.
        """
        return None

    def forget(self) -> None:  # noqa: B027 - most renderers keep nothing
        """Drop whatever was kept of earlier scenes, so that the next render costs what a new scene's does."""

    def _take_device(self, device: torch.device) -> torch.device:
        """Return where tensors lie here for a device that ``capabilities`` names.

        Raises InvalidOptionError where the machine has no such.
        """
        if device.type == "cuda":
            if not torch.cuda.is_available():
                remedy = (
                    "use --device cpu" if "cpu" in self.capabilities.devices else f"{self.name} runs on nothing else"
                )
                raise InvalidOptionError(f"device '{device}': torch {torch.__version__} sees no CUDA device: {remedy}")
            if device.index is not None:
                torch.cuda.set_device(device)  # kernels and events start on the current device
        return device

    def _load(self) -> None:  # noqa: B027 - most classical renderers have nothing to load
        """Load what ``_render`` needs onto ``self.device`` in ``self.dtype``."""

    @abstractmethod
    def _render(self, scene: Scene, seed: int) -> Tensor:
        """Render a validated scene whose tensors are on ``self.device``; return (3,scale*H,scale*W) in [0,1].

        The scene holds what ``capabilities.inputs`` names; reading anything else raises WithheldInputError. It is
        shared with repeats of the same render: do not change its tensors in place.
        """


def _checked_device(renderer: Renderer, device: str | torch.device) -> torch.device:
    try:
        parsed = torch.device(device)
    except RuntimeError as error:
        raise InvalidOptionError(f"unknown device '{device}': use cpu or cuda") from error
    if parsed.type not in renderer.capabilities.devices:
        supported = ", ".join(renderer.capabilities.devices)
        raise InvalidOptionError(f"{renderer.name} does not run on '{device}': it supports {supported}")
    return parsed


def _checked_dtype(dtype: str | torch.dtype) -> torch.dtype:
    known = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
    name = str(dtype).removeprefix("torch.")
    if name not in known:
        raise InvalidOptionError(f"unknown dtype '{name}': use one of {', '.join(known)}")
    return known[name]


def _checked_output(name: str, output: Tensor, scene: Scene) -> Tensor:
    if not (isinstance(output, Tensor) and output.is_floating_point()):
        got = output.dtype if isinstance(output, Tensor) else type(output).__name__
        raise InvalidOutputError(f"{name} on '{scene.name}': expected a tensor of floats in [0, 1], got {got}")
    if tuple(output.shape) != scene.render_shape:
        raise InvalidOutputError(f"{name} on '{scene.name}': expected {scene.render_shape}, got {tuple(output.shape)}")
    output = output.to(torch.float32)
    low, high = find_range(output)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InvalidOutputError(f"{name} on '{scene.name}': the output holds NaN or infinite values")
    if low < -OUTPUT_TOLERANCE or high > 1.0 + OUTPUT_TOLERANCE:
        raise InvalidOutputError(f"{name} on '{scene.name}': the output spans [{low:g}, {high:g}], expected [0, 1]")
    return output.clamp(0.0, 1.0)
