"""The tiny models that these tests share."""

from ...tiny_models import (  # noqa: F401 - fixtures
    _one_thread,
    authors_folder,
    compact,
    compact_folder,
    lora_state,
    make_trained,
    plus,
    sdxl_folder,
)
