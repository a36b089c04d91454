"""Miniatures of users' data sets."""

from ..miniatures import miniature_root, miniatures  # noqa: F401 - fixtures
