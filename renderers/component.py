"""What renderers and their stages have in common: what they can do and need, weights, code, a device, preparation."""

from abc import ABC
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch

from ..core.errors import InvalidOptionError
from ..core.scene import INPUT_FIELDS, Scene
from ..core.streams import keeping_streams
from ..core.torch_state import keeping_torch_state
from ..core.working_folder import keeping_folder

PICTURE_ONLY = frozenset({"picture"})
LENS_INPUTS = frozenset({"picture", "disparity", "focus", "blur strength", "gamma"})
"""What every scene has, and a renderer that computes a lens needs."""


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


class Component(ABC):
    """A renderer, or a stage before or behind one. Sub-classes set ``name`` and ``capabilities``.

    ``weights`` says which trained weights it computes with (None where nothing was trained), ``backend`` which of
    several implementations computes, known once prepared (None where there is one); each result row names both.
    ``training`` tells a reader how the weights were trained (None where that is not known).
    """

    name: str
    capabilities: ClassVar[Capabilities]
    needs_weights: ClassVar[bool] = False
    weights: str | None = None
    backend: str | None = None
    training: str | None = None
    seconds_per_megapixel: ClassVar[float] = 3.0
    """Roughly, on two CPU cores: the progress bar's guess before it has seen any."""

    def __init__(self, name: str | None = None):
        if name is not None:
            self.name = name
        self.device = torch.device("cpu")
        self.dtype = torch.float32
        self._prepared = False

    @property
    def components(self) -> "tuple[Component, ...]":
        """What it consists of: itself, where it is not composed of others."""
        return (self,)

    def fetch(self) -> None:  # noqa: B027 - most download nothing
        """Download the weights that are not at hand, so that ``weights`` can name them.

        A run calls this before it plans its cases. Raises MissingWeightsError where they cannot be had.
        """

    def prepare(self, device: str | torch.device = "cpu", dtype: str | torch.dtype = torch.float32) -> None:
        """Load weights and compile kernels: everything that must not count as rendering time.

        Raises InvalidOptionError for a device that this or the machine does not have or a type it cannot compute in,
        MissingWeightsError where weights are needed and absent.
        """
        self.device, self.dtype = self._take_device(_checked_device(self, device)), _checked_dtype(dtype)
        with keeping_torch_state(), keeping_folder(), keeping_streams():
            self._load()
        self._prepared = True

    def compile_kernels(self) -> None:  # noqa: B027 - most compile nothing
        """Compile for the CPU what ``prepare`` would have compiled, without weights.

        A process beside the run calls this, for the cache that both share.
        """

    def skip(self, scene: Scene) -> str | None:
        """Return why ``scene`` cannot be done, in words for the report; None where it can.

        Such a case is listed as skipped, and never scored. Every command asks, before anything is loaded, with all of
        the scene but its target. A sub-class that has reasons of its own returns ``super().skip(scene) or ...``.
        """
        missing = [word for word in INPUT_FIELDS if word in self.capabilities.inputs - scene.inputs]
        return f"needs the {' and the '.join(missing)}, which the scene does not give" if missing else None

    def foreign_code(self) -> dict[str, str]:
        """Return, by name, digests or versions of what decides about the pictures and is no module of the code."""
        return {}

    def forget(self) -> None:  # noqa: B027 - most keep nothing
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

    def _load(self) -> None:  # noqa: B027 - most have nothing to load
        """Load what is needed onto ``self.device`` in ``self.dtype``."""


def _checked_device(component: Component, device: str | torch.device) -> torch.device:
    try:
        parsed = torch.device(device)
    except RuntimeError as error:
        raise InvalidOptionError(f"unknown device '{device}': use cpu or cuda") from error
    if parsed.type not in component.capabilities.devices:
        supported = ", ".join(component.capabilities.devices)
        raise InvalidOptionError(f"{component.name} does not run on '{device}': it supports {supported}")
    return parsed


def _checked_dtype(dtype: str | torch.dtype) -> torch.dtype:
    known = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
    name = str(dtype).removeprefix("torch.")
    if name not in known:
        raise InvalidOptionError(f"unknown dtype '{name}': use one of {', '.join(known)}")
    return known[name]
