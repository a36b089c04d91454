"""Which of an OpenEXR file's channels are meant: by their layers' and their own names."""

from collections.abc import Collection, Mapping
from typing import TypeAlias

Names: TypeAlias = Collection[str]
"""``layer.channel``, for instance ``ViewLayer.Depth.Z``; a layer of the file itself has no name."""

Chosen: TypeAlias = tuple[tuple[str, ...], str | None]
"""The names of one channel or of red, green and blue, and that of alpha."""

PICTURE_LAYERS = ("", "combined", "composite", "rgba", "rgb", "beauty", "color", "colour", "image")
"""Last parts of the names of layers that hold the picture itself, beside passes of it; the first one wins."""

DEPTH_NAMES = ("z", "depth", "zdepth")
MAP_NAMES = {"depth": (DEPTH_NAMES,), "disparity": (("disparity", "disp"), DEPTH_NAMES)}
"""Names of channels or their layers that are meant, by what a file is read for, the best ones first. A file of
disparity may call its channel Z."""

ONLY_CHANNELS = ("v", "y", "z", "r", "x", "l")
"""Names of a channel that say nothing beside the name of its layer: ``Depth.V``."""


def find_colours(channels: Names) -> Chosen | None:
    """Return R, G, B and A of the picture's layer, or the only channel as grey, which is no map by its name.

    None where it is not clear which.
    """
    layers = {layer for layer in map(_layer, channels) if _has_colours(channels, layer)}
    chosen = _picture_layer(layers)
    if chosen is None:
        is_map = any(_is_named(channels, name, names) for name in channels for names in MAP_NAMES["disparity"])
        return None if layers or is_map else _only_channel(channels)
    names = _names_in(channels, chosen)
    return (names["r"], names["g"], names["b"]), names.get("a") or names.get("alpha")


def find_map(channels: Names, role: str) -> Chosen | None:
    """Return the channel that is named as ``role``, else the only one, else the only R, G, B; None: not clear which."""
    for names in MAP_NAMES[role]:
        found = [name for name in channels if _is_named(channels, name, names)]
        if found:
            return ((found[0],), None) if len(found) == 1 else None
    if role == "depth" and any(_is_named(channels, name, MAP_NAMES["disparity"][0]) for name in channels):
        return None
    colours = {layer for layer in map(_layer, channels) if _has_colours(channels, layer)}
    if len(colours) == 1 and set(map(_channel, channels)) <= set("rgba"):
        return find_colours(channels)
    return _only_channel(channels)


def _is_named(channels: Names, name: str, names: tuple[str, ...]) -> bool:
    """Whether ``Z`` or ``Depth.V``: the Z of X, Y, Z is a direction, that of other layers (Mist, AO) something else."""
    siblings = set(_names_in(channels, _layer(name)))
    if {"x", "y", "z"} <= siblings:
        return False
    layer, channel = _last(_layer(name)), _channel(name)
    alone = len(siblings - {"a"}) == 1
    return (channel in names and layer in ("", *names)) or (layer in names and channel in ONLY_CHANNELS and alone)


def _only_channel(channels: Names) -> Chosen | None:
    alphas = [name for name in channels if _channel(name) == "a"] if len(channels) > 1 else []
    others = [name for name in channels if name not in alphas]
    if len(others) != 1 or len(alphas) > 1:
        return None
    return (others[0],), alphas[0] if alphas else None


def _picture_layer(layers: set[str]) -> str | None:
    for wanted in PICTURE_LAYERS:
        found = [layer for layer in layers if _last(layer) == wanted]
        if found:
            return found[0] if len(found) == 1 else None
    return layers.pop() if len(layers) == 1 else None


def _has_colours(channels: Names, layer: str) -> bool:
    return {"r", "g", "b"} <= set(_names_in(channels, layer))


def _names_in(channels: Names, layer: str) -> Mapping[str, str]:
    return {_channel(name): name for name in channels if _layer(name) == layer}


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _channel(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _last(layer: str) -> str:
    return layer.rpartition(".")[2].lower()
