"""LoRA files for the U-Net in the key formats that diffusers has written over time, brought into one."""

import logging
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import load_file
from torch import Tensor, nn

from ...core.errors import InvalidOptionError
from ..weights import LORA_FILE

if TYPE_CHECKING:
    from ...core.diffusers import UNet2DConditionModel

log = logging.getLogger(__name__)

PREFIX = "unet."
LORA_SUFFIX = re.compile(r"\.lora_([AB])\.(weight|bias)$")
"""What follows the name of the adapted layer."""


def load_lora(
    unet: "UNet2DConditionModel",
    source: str | Path | Mapping[str, Tensor],
    adapter_name: str = "default",
    weight_name: str = LORA_FILE,
) -> None:
    """Add a LoRA to the U-Net from a folder, in which the file is called ``weight_name``, or from a dict.

    Keys may be in any of diffusers' formats (``unify_keys``). The scale is ``lora_alpha / r`` of the file's metadata,
    that of the ``alpha`` keys in Kohya's format, or 1. Raises InvalidOptionError where a key belongs to no layer of
    this U-Net, or where what was loaded is not what the file holds: nothing is left out in silence.
    """
    from ...core.diffusers import StableDiffusionXLLoraLoaderMixin as LoraLoader

    held = dict(source) if isinstance(source, Mapping) else load_file(Path(source, weight_name))
    if not held:
        raise InvalidOptionError("the LoRA file is empty: get it again")
    where = {} if isinstance(source, Mapping) else {"weight_name": weight_name, "local_files_only": True}
    state, alphas, metadata = LoraLoader.lora_state_dict(
        dict(held) if isinstance(source, Mapping) else source,  # which is emptied
        unet_config=unet.config,
        use_safetensors=True,
        return_lora_metadata=True,
        **where,
    )
    _check_read(held, state, alphas or {}, metadata)
    if not alphas and metadata is None:
        name = "the LoRA" if isinstance(source, Mapping) else str(Path(source, weight_name))
        log.warning("%s: the file states no scale (lora_alpha and r in its metadata): 1 is taken", name)
    state = unify_keys(state)
    check_lora_targets(state, unet)
    LoraLoader.load_lora_into_unet(state, alphas, unet, adapter_name, metadata=metadata)
    _check_loaded(state, unet, adapter_name)


def unify_keys(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state in peft's names below ``unet.``: ``unet.LAYER.lora_A.weight``.

    Two files of diffusers' own need this, of which it loads a part or nothing with no more than a warning: those that
    ``save_attn_procs`` wrote (the authors' way), without the prefix; and those that went through
    ``convert_state_dict_to_diffusers``, which renames attention (``lora.down``) and no other layer.
    """
    from ...core.diffusers import convert_unet_state_dict_to_peft

    state = {key.replace(".processor.", "."): tensor for key, tensor in state.items()}
    prefix = "" if any(key.startswith(PREFIX) for key in state) else PREFIX
    return convert_unet_state_dict_to_peft({f"{prefix}{key}": tensor for key, tensor in state.items()})


def check_lora_targets(state: Mapping[str, Tensor], unet: nn.Module) -> None:
    """Raise InvalidOptionError unless every key of ``unify_keys`` adapts a layer that ``unet`` has, in pairs."""
    layers = {name for name, _ in unet.named_modules()}
    for key in state:
        layer = LORA_SUFFIX.sub("", key.removeprefix(PREFIX))
        if not key.startswith(PREFIX) or layer not in layers:
            raise InvalidOptionError(
                f"the LoRA adapts '{layer}', which this U-Net does not have: it is for another model"
            )
        partner = re.sub(r"\.lora_([AB])\.weight$", lambda found: f".lora_{'BA'['AB'.index(found[1])]}.weight", key)
        if partner not in state:
            raise InvalidOptionError(f"the LoRA holds '{key}' and not '{partner}': get it again")


def _check_read(
    held: Mapping[str, Tensor], state: Mapping[str, Tensor], alphas: Mapping[str, Any], metadata: Any
) -> None:
    """Raise InvalidOptionError for what diffusers would not use: keys and metadata in a form that it does not know."""
    lost = sorted(key for key in state if key.endswith("alpha")) or sorted(held.keys() - state.keys()) or sorted(state)
    if len(state) + len(alphas) != len(held) or any(key.endswith("alpha") for key in state):
        raise InvalidOptionError(
            f"the LoRA holds '{lost[0]}' ({len(lost)} so), which diffusers passes over, its scale perhaps: convert it"
            " to diffusers' format, with lora_alpha and r in the metadata"
        )
    if metadata is not None:
        wanted = {f"{PREFIX}r", f"{PREFIX}lora_alpha"}
        if not isinstance(metadata, Mapping) or not wanted <= metadata.keys():
            raise InvalidOptionError(
                f"the LoRA's metadata: expected {' and '.join(sorted(wanted))} in it, got {metadata!s:.80}"
            )
        for name in wanted:
            if isinstance(metadata[name], bool) or not isinstance(metadata[name], int | float):
                raise InvalidOptionError(f"the LoRA's metadata: {name}: expected a number, got {metadata[name]!r:.40}")


def _check_loaded(state: Mapping[str, Tensor], unet: nn.Module, adapter: str) -> None:
    """Raise InvalidOptionError unless the adapted layers hold the state's tensors, at a scale that changes them."""
    for key, tensor in state.items():
        found = LORA_SUFFIX.search(key)
        layer: Any = unet.get_submodule(LORA_SUFFIX.sub("", key.removeprefix(PREFIX)))
        side = None if found is None else getattr(layer, f"lora_{found[1]}", {})
        if found is None or side is None or adapter not in side:
            raise InvalidOptionError(f"the LoRA's '{key}' was not loaded: it is for another model")
        loaded = getattr(side[adapter], found[2])
        if loaded.shape != tensor.shape or not bool((loaded.cpu() == tensor.to(loaded.dtype).cpu()).all()):
            raise InvalidOptionError(f"the LoRA's '{key}' was loaded with other values, or holds NaN: get it again")
        scale = layer.scaling[adapter]
        if not math.isfinite(scale) or scale == 0.0:
            raise InvalidOptionError(f"the LoRA's scale at '{key}': expected a finite number but 0, got {scale}")
