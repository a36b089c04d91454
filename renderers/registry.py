"""Renderers by name. Importing this module or listing names imports no torch."""

from typing import TYPE_CHECKING

from ..core.errors import InvalidOptionError, UnknownNameError
from ..core.registry import LISTED_BY, Entry, LazyRegistry
from ..core.text import unknown_name
from .bokehdiff.variants import variant_entries
from .defocus_to_focus.variants import d2f_entries
from .magicbokeh.release.variants import RELEASE_ENTRIES
from .magicbokeh.release.weight_files import REMEDY as HOW_TO_GET_MAGICBOKEH
from .magicbokeh.release.weight_files import is_release
from .mpib.weight_files import REMEDY as HOW_TO_GET_MPIB
from .outside.adapter_info import OWN_ADAPTER, find_entry, outside_entries, own_entries, say_how_to_get
from .programs.catalogue import ENTRIES as PROGRAM_ENTRIES
from .stages.entry import compose_entry
from .stages.registry import CHECKPOINT, Composition, split_stages, take_apart
from .weights import naming_training

if TYPE_CHECKING:
    from .interface import Renderer
    from .stages.interface import PictureStage, SceneStage

_BOKEHME = ".renderers.bokehme.renderer:BokehMeRenderer"

RENDERERS = LazyRegistry(
    "renderer",
    "bokehbench.renderers",
    {
        "identity": Entry(".renderers.identity:IdentityRenderer", "the input, unblurred: the floor of every table"),
        "centre-focus": Entry(
            ".renderers.centre_focus:CentreFocusRenderer",
            "sharp in the middle, one blur around it: the floor of methods that see the picture alone",
        ),
        "classical": Entry(
            ".renderers.classical.scatter:ScatterRenderer",
            "scatter of every pixel over its disc in linear light (BokehMe's classical renderer)",
        ),
        "classical-occlusion": Entry(
            ".renderers.classical.occlusion:OcclusionRenderer",
            "lens rays through separated foreground and completed background: classical with occlusion",
        ),
        "bokehme": Entry(_BOKEHME, "scatter, and two networks where depth jumps (BokehMe), trained here"),
        "bokehme-highlights": Entry(
            _BOKEHME, "bokehme with bright colours out of focus raised, as its authors offer", {"highlights": True}
        ),
        "dr-bokeh": Entry(
            ".renderers.dr_bokeh.renderer:DrBokehRenderer",
            "gather by radius and depth from two layers, composed front to back (Dr.Bokeh), layers made here",
        ),
        "magicbokeh": Entry(
            ".renderers.magicbokeh.renderer:MagicBokehRenderer",
            "clean picture and bokeh from a poor one in one pass (MagicBokeh), a compact network trained here",
        ),
        **variant_entries(shipped=True),
        **d2f_entries(listed=True),
        **PROGRAM_ENTRIES,
    },
)

WITH_AUTHORS_WEIGHTS = {
    "mpib": Entry(".renderers.mpib.renderer:MpibRenderer", "32 planes over a filled-in background (MPIB, ECCV 2022)"),
    **RELEASE_ENTRIES,
}
"""Renderers of this project that need ``@FOLDER`` with weights that their authors give."""

HOW_TO_GET = {
    "mpib": HOW_TO_GET_MPIB,
    **dict.fromkeys(RELEASE_ENTRIES, HOW_TO_GET_MAGICBOKEH),
}

WITHOUT_WEIGHTS = {
    **variant_entries(shipped=False),
    **d2f_entries(listed=False),
    **WITH_AUTHORS_WEIGHTS,
}
"""All that need ``@FOLDER``; the variants among them, whose weights nobody has, are not listed."""


def find_renderer(name: str) -> Entry:
    """Look up ``name`` or ``name@checkpoint``; a folder with an adapter of its own has names of its own.

    ``STAGE+NAME`` and ``NAME+STAGE`` are renderers, too. Raises UnknownNameError for an unknown name, and for one
    without weights, or of another repository, unless a checkpoint or folder is named.
    """
    composition = take_apart(name, RENDERERS.entries)
    if composition:
        return compose_entry(find_renderer(composition.renderer), composition.stage)
    base, at, folder = name.partition("@")
    ours = {**RENDERERS.entries, **WITHOUT_WEIGHTS}
    outside = None if base in ours else find_entry(base, folder)
    if outside is not None:
        if not at:
            raise UnknownNameError(say_how_to_get(base))
        return outside
    if at and base not in ours:
        own = own_entries(folder)
        others = f"names {', '.join(own)}" if own else f"has no {OWN_ADAPTER} that names others"
        more = f"; {folder} {others}" if folder else ""
        raise UnknownNameError(unknown_name("renderer", base, [*ours, *outside_entries(), *own], LISTED_BY) + more)
    if at and base in RELEASE_ENTRIES and is_release(folder):
        return RELEASE_ENTRIES[base]
    if base in RENDERERS.entries or base not in WITHOUT_WEIGHTS:
        return RENDERERS.find(base)
    if not at:
        if base in HOW_TO_GET:
            raise UnknownNameError(f"'{base}': no weights of it ship: {HOW_TO_GET[base]}")
        raise UnknownNameError(f"'{base}': no weights of this variant ship: get or train them, and use {base}@FOLDER")
    return WITHOUT_WEIGHTS[base]


def load_renderer(name: str) -> "Renderer":
    """Create a renderer from ``name`` or ``name@checkpoint``; nothing is loaded before its ``prepare``.

    Raises UnknownNameError for an unknown name, InvalidOptionError for a checkpoint where the renderer has no weights.
    """
    composition = take_apart(name, RENDERERS.entries)
    if composition:
        return find_renderer(name).load()(name, load_renderer(composition.renderer), _create_stage(composition))
    base, at, checkpoint = name.partition("@")
    entry = find_renderer(name)
    target = entry.load()
    if not at:
        return target(**{"name": name, **entry.options})
    from .learned import LearnedRenderer  # here: it imports torch, which ``target`` has by now

    if not (isinstance(target, type) and issubclass(target, LearnedRenderer)):
        raise InvalidOptionError(f"'{name}': {base} has no weights to choose: use --renderers {base}")
    if not checkpoint:
        raise InvalidOptionError(f"'{name}': expected a checkpoint after '@', for instance {base}@FOLDER")
    with naming_training(checkpoint):
        return target(**{"name": name, **entry.options, "checkpoint": checkpoint})


def _create_stage(composition: Composition) -> "SceneStage | PictureStage":
    """Create a stage. Raises InvalidOptionError for a checkpoint where it has no weights, and for an empty one."""
    stage, (base, _, checkpoint) = composition.stage, composition.name.partition("@")
    if CHECKPOINT in stage.options:
        from .learned import LearnedComponent

        if not issubclass(stage.load(), LearnedComponent):
            raise InvalidOptionError(f"'{composition.name}': {base} has no weights to choose: use {base}")
        if not checkpoint:
            raise InvalidOptionError(
                f"'{composition.name}': expected a checkpoint after '@', for instance {base}@FOLDER"
            )
    return stage.create()


def plain_name(name: str) -> str:
    """Return the name of the renderer inside ``name``, without its stages."""
    return split_stages(name, RENDERERS.entries)[0]


def stages_of(name: str) -> list[str]:
    """Return the names of a renderer's stages, from the outermost to the innermost."""
    return split_stages(name, RENDERERS.entries)[1]
