"""Renderers by name. Importing this module or listing names imports no torch."""

from typing import TYPE_CHECKING

from ..core.errors import InvalidOptionError
from ..core.registry import Entry, LazyRegistry
from .bokehdiff.variants import absent_variants, variant_entries

if TYPE_CHECKING:
    from .interface import Renderer

RENDERERS = LazyRegistry(
    "renderer",
    "bokehbench.renderers",
    {
        "identity": Entry(".renderers.identity:IdentityRenderer", "the input, unblurred: the floor of every table"),
        "classical": Entry(
            ".renderers.classical.scatter:ScatterRenderer",
            "scatter of every pixel over its disc in linear light (BokehMe's classical renderer)",
        ),
        "classical-occlusion": Entry(
            ".renderers.classical.occlusion:OcclusionRenderer",
            "lens rays through separated foreground and completed background: classical with occlusion",
        ),
        **variant_entries(),
    },
    absent_variants(),
)


def load_renderer(name: str) -> "Renderer":
    """Create a renderer from ``name`` or ``name@checkpoint``; nothing is loaded before its ``prepare``.

    Raises UnknownNameError for an unknown name, InvalidOptionError for a checkpoint where the renderer has no weights.
    """
    base, at, checkpoint = name.partition("@")
    entry = RENDERERS.find(base)
    target = entry.load()
    if not at:
        return target(**{"name": name, **entry.options})
    from .learned import LearnedRenderer  # here: it imports torch, which ``target`` has by now

    if not (isinstance(target, type) and issubclass(target, LearnedRenderer)):
        raise InvalidOptionError(f"'{name}': {base} has no weights to choose: use --renderers {base}")
    if not checkpoint:
        raise InvalidOptionError(f"'{name}': expected a checkpoint after '@', for instance {base}@FOLDER")
    return target(**{"name": name, **entry.options, "checkpoint": checkpoint})
