"""LoRA files for the U-Net in the key formats that diffusers has written over time."""

import re
from collections.abc import Mapping

from torch import Tensor, nn

from ..errors import InvalidOptionError

PREFIX = "unet."

LORA_SUFFIX = re.compile(r"\.(lora_[AB]|lora\.(up|down))\.(weight|bias)$")
"""What follows the name of the adapted layer."""


def prefix_unet_keys(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state with every key below ``unet.``.

    ``save_attn_procs`` (the authors' way) wrote the keys without it; diffusers today only warns that it finds nothing.
    Raises InvalidOptionError for an empty file.
    """
    if not state:
        raise InvalidOptionError("the LoRA file is empty: get it again")
    if any(key.startswith(PREFIX) for key in state):
        return dict(state)
    return {f"{PREFIX}{key}": tensor for key, tensor in state.items()}


def check_lora_targets(state: Mapping[str, Tensor], unet: nn.Module) -> None:
    """Raise InvalidOptionError unless every key adapts a layer that ``unet`` has."""
    layers = {name for name, _ in unet.named_modules()}
    for key in state:
        layer = LORA_SUFFIX.sub("", key.removeprefix(PREFIX))
        if not key.startswith(PREFIX) or layer not in layers:
            raise InvalidOptionError(
                f"the LoRA adapts '{layer}', which this U-Net does not have: it is for another model"
            )
