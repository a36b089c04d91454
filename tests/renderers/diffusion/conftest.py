"""The tiny models that these tests share."""

from ...tiny_models import _one_thread, lora_state, make_trained, sdxl_folder  # noqa: F401 - fixtures
