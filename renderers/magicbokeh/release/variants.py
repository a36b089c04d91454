"""The authors' MagicBokeh under each of its switches, as data. Imports no torch."""

from ....core.registry import Entry

_RENDERER = ".renderers.magicbokeh.release.renderer:MagicBokehReleaseRenderer"

RELEASE_ENTRIES = {
    "magicbokeh": Entry(_RENDERER, "clean picture and bokeh from a poor one in one pass (MagicBokeh, CVPR 2026)"),
    "magicbokeh-no-adain": Entry(
        _RENDERER, "MagicBokeh without matching the input's colours at the end", {"match_colours": False}
    ),
    "magicbokeh-sampled": Entry(
        _RENDERER,
        "MagicBokeh with its latent drawn at random, as the authors do",
        {"sample_posterior": True},
    ),
    "magicbokeh-fine-disparity": Entry(
        _RENDERER, "MagicBokeh without cutting disparity to 8 bits", {"quantise": False}
    ),
}
"""By name; each needs ``@FOLDER``."""
