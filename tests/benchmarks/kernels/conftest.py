"""The tiny models that these tests share."""

from ...tiny_models import *  # noqa: F403 - fixtures
