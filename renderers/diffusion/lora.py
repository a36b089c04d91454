"""LoRA files for the U-Net in the key formats that diffusers has written over time, brought into one."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from ...core.errors import InvalidOptionError

if TYPE_CHECKING:
    from ...core.diffusers import UNet2DConditionModel

PREFIX = "unet."
LORA_SUFFIX = re.compile(r"\.lora_[AB]\.(weight|bias)$")
"""What follows the name of the adapted layer."""


def load_lora(unet: "UNet2DConditionModel", source: Any, adapter_name: str | None = None, **where: Any) -> None:
    """Add a LoRA to the U-Net from a folder, a repository or a dict.

    ``where``: see diffusers' ``load_lora_weights``. Takes safetensors only, with keys in any of diffusers' formats
    (``unify_keys``). Raises InvalidOptionError where a key belongs to no layer of this U-Net: nothing is left out in
    silence.
    """
    from ...core.diffusers import StableDiffusionXLLoraLoaderMixin as LoraLoader

    state, alphas, metadata = LoraLoader.lora_state_dict(
        source, unet_config=unet.config, use_safetensors=True, return_lora_metadata=True, **where
    )
    state = unify_keys(state)
    check_lora_targets(state, unet)
    LoraLoader.load_lora_into_unet(state, alphas, unet, adapter_name, metadata=metadata)


def unify_keys(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state in peft's names below ``unet.``: ``unet.LAYER.lora_A.weight``.

    Two files of diffusers' own need this, of which it loads a part or nothing with no more than a warning: those that
    ``save_attn_procs`` wrote (the authors' way), without the prefix; and those that went through
    ``convert_state_dict_to_diffusers``, which renames attention (``lora.down``) and no other layer.
    Raises InvalidOptionError for an empty file.
    """
    if not state:
        raise InvalidOptionError("the LoRA file is empty: get it again")
    from ...core.diffusers import convert_unet_state_dict_to_peft

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
