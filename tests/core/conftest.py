"""The hub's cache, empty."""

from ..hub_cache import empty_hub_cache  # noqa: F401 - a fixture
