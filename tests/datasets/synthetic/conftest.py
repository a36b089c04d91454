"""The pictures that training scenes are made of."""

from ...training_pictures import pictures, settings  # noqa: F401 - fixtures
