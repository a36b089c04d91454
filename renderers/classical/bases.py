"""The classical renderers whose picture a network may start from."""

import torch

from ..interface import Renderer
from .occlusion import OcclusionRenderer
from .scatter import ScatterRenderer

BASES: dict[str, type[Renderer]] = {"classical": ScatterRenderer, "classical-occlusion": OcclusionRenderer}


def prepare_base(name: str, device: torch.device) -> Renderer:
    """Return a renderer of BASES, prepared on ``device``, or on the CPU where it does not run there."""
    base = BASES[name]()
    base.prepare(device if device.type in base.capabilities.devices else "cpu")
    return base
