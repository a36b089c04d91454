"""The renderers of Defocus to Focus by name, as data. Imports no torch.

``defocus-to-focus`` sees the picture alone. ``-disparity`` blurs by the scene's own defocus, and so does ``-signed``;
what is left out of the layered rendering to see what it is worth is left out of ``-disparity``.
"""

from typing import Any

from ...core.registry import Entry

_GUESSED = ".renderers.defocus_to_focus.renderer:DefocusToFocusRenderer"
_GIVEN = ".renderers.defocus_to_focus.disparity_renderer:DisparityRenderer"

GUESSING: dict[str, tuple[str, dict[str, Any]]] = {
    "defocus-to-focus": ("bokeh from the picture alone: defocus guessed, layers blurred, fused (Defocus to Focus)", {}),
    "defocus-to-focus-linear-radiance": (
        "the same, pixels weighed as averages in linear light would",
        {"radiance": "linear"},
    ),
    "defocus-to-focus-no-radiance": ("the same, all pixels alike", {"radiance": "none"}),
    "defocus-to-focus-no-fusion": ("the same, the blurred picture alone", {"fused": False}),
}
"""Need weights."""

GIVEN: dict[str, tuple[str, dict[str, Any]]] = {
    "defocus-to-focus-disparity": ("Defocus to Focus's layered rendering, by the scene's disparity", {}),
    "defocus-to-focus-signed": ("the same, near layers painted over what is in focus", {"order": "signed"}),
    "defocus-to-focus-disparity-no-radiance": ("-disparity, all pixels alike", {"weighted": False}),
    "defocus-to-focus-disparity-hard-disc": ("-disparity with discs of a hard edge", {"kernel": "hard"}),
    "defocus-to-focus-disparity-8-layers": ("-disparity with 8 layers", {"count": 8}),
    "defocus-to-focus-disparity-30-layers": ("-disparity with 30 layers", {"count": 30}),
}
"""Need none."""

SHIPPED = True
"""Whether weights of this project ship."""


def d2f_entries(listed: bool) -> dict[str, Entry]:
    """Return the registry's entries that work by their name alone, or those that need ``@FOLDER``."""
    guessing = {name: Entry(_GUESSED, *rest) for name, rest in GUESSING.items()}
    given = {name: Entry(_GIVEN, *rest) for name, rest in GIVEN.items()}
    if not listed:
        return {} if SHIPPED else guessing
    return guessing | given if SHIPPED else given
