"""The tiny models that these tests share."""

from ...tiny_models import _one_thread, make_trained  # noqa: F401 - fixtures
