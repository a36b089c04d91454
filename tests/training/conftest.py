import pytest

from ..tiny_models import (  # noqa: F401 - fixtures
    _one_thread,
    authors_folder,
    compact,
    compact_folder,
    lora_state,
    make_trained,
    plus,
    sdxl_folder,
)
from ..training_pictures import pictures, settings  # noqa: F401 - fixtures

TINY = {
    "vae_width": 32,
    "vae_groups": 4,
    "latent_channels": 4,
    "unet_widths": [8, 16],
    "unet_groups": 4,
    "heads": 2,
    "prompt_width": 8,
}


@pytest.fixture
def tiny():
    return dict(TINY)
