"""The names of diffusers and peft that are used here, imported when asked for: the only door to these packages.

``from ...core.diffusers import UNet2DConditionModel`` imports torchvision first, see ``torchvision_guard``. diffusers
imports transformers, peft and bitsandbytes with its models, wherever they are installed: that costs about 4 s of
processor time, so modules that only name a network in a signature import it for the type checker.
Importing this module by itself imports nothing.
"""

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .torchvision_guard import ensure_torchvision

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, ConfigMixin, DDPMScheduler, ModelMixin, UNet2DConditionModel, __version__
    from diffusers.configuration_utils import register_to_config
    from diffusers.loaders import StableDiffusionXLLoraLoaderMixin
    from diffusers.models.activations import GEGLU
    from diffusers.models.attention import BasicTransformerBlock
    from diffusers.models.attention_processor import Attention, AttnProcessor2_0
    from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
    from diffusers.models.resnet import ResnetBlock2D
    from diffusers.models.transformers.transformer_2d import Transformer2DModel
    from diffusers.training_utils import EMAModel
    from diffusers.utils import convert_state_dict_to_diffusers, convert_unet_state_dict_to_peft
    from peft import LoraConfig, get_peft_model_state_dict

__all__ = [
    "GEGLU",
    "Attention",
    "AttnProcessor2_0",
    "AutoencoderKL",
    "BasicTransformerBlock",
    "ConfigMixin",
    "ControlNetConditioningEmbedding",
    "DDPMScheduler",
    "EMAModel",
    "LoraConfig",
    "ModelMixin",
    "ResnetBlock2D",
    "StableDiffusionXLLoraLoaderMixin",
    "Transformer2DModel",
    "UNet2DConditionModel",
    "__version__",
    "convert_state_dict_to_diffusers",
    "convert_unet_state_dict_to_peft",
    "get_peft_model_state_dict",
    "register_to_config",
]

HOMES = {
    "GEGLU": "diffusers.models.activations",
    "Attention": "diffusers.models.attention_processor",
    "AttnProcessor2_0": "diffusers.models.attention_processor",
    "BasicTransformerBlock": "diffusers.models.attention",
    "ControlNetConditioningEmbedding": "diffusers.models.controlnets.controlnet",
    "EMAModel": "diffusers.training_utils",
    "LoraConfig": "peft",
    "ResnetBlock2D": "diffusers.models.resnet",
    "StableDiffusionXLLoraLoaderMixin": "diffusers.loaders",
    "Transformer2DModel": "diffusers.models.transformers.transformer_2d",
    "convert_state_dict_to_diffusers": "diffusers.utils",
    "convert_unet_state_dict_to_peft": "diffusers.utils",
    "get_peft_model_state_dict": "peft",
    "register_to_config": "diffusers.configuration_utils",
}
"""Where the names that are not in diffusers' root are defined."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    with _without_kernel_warning():
        ensure_torchvision()
        return getattr(importlib.import_module(HOMES.get(name, "diffusers")), name)


@contextmanager
def _without_kernel_warning() -> Iterator[None]:
    """Keep bitsandbytes, which diffusers imports where pyiqa brought it, from warning of kernels not used here."""
    log = logging.getLogger("bitsandbytes.backends.cpu.ops")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
