"""LoRA files for the U-Net in the key formats that diffusers has written over time, brought into one."""

import re
from collections.abc import Mapping

from diffusers.utils import convert_unet_state_dict_to_peft
from torch import Tensor, nn

from ...core.errors import InvalidOptionError

PREFIX = "unet."
LORA_SUFFIX = re.compile(r"\.lora_[AB]\.(weight|bias)$")
"""What follows the name of the adapted layer."""


def unify_keys(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state in peft's names below ``unet.``: ``unet.LAYER.lora_A.weight``.

    Two files of diffusers' own need this, of which it loads a part or nothing with no more than a warning: those that
    ``save_attn_procs`` wrote (the authors' way), without the prefix; and those that went through
    ``convert_state_dict_to_diffusers``, which renames attention (``lora.down``) and no other layer.
    Raises InvalidOptionError for an empty file.
    """
    if not state:
        raise InvalidOptionError("the LoRA file is empty: get it again")
    prefix = "" if any(key.startswith(PREFIX) for key in state) else PREFIX
    return convert_unet_state_dict_to_peft({f"{prefix}{key}": tensor for key, tensor in state.items()})


def check_lora_targets(state: Mapping[str, Tensor], unet: nn.Module) -> None:
    """Raise InvalidOptionError unless every key of ``unify_keys`` adapts a layer that ``unet`` has."""
    layers = {name for name, _ in unet.named_modules()}
    for key in state:
        layer = LORA_SUFFIX.sub("", key.removeprefix(PREFIX))
        if not key.startswith(PREFIX) or layer not in layers:
            raise InvalidOptionError(
                f"the LoRA adapts '{layer}', which this U-Net does not have: it is for another model"
            )
