"""Which 300 scenes: drawn from fixed seeds out of the names of photographs and cut-outs; and the index of a folder.

Source: BokehDiff, Sec. 3.3; the authors' scenes are not public, these are of the same kind.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....core.atomic_files import write_atomically
from ....core.documents import read_mapping
from ....core.errors import DamagedDataError, InvalidOptionError, InvalidSceneError
from ..generated_scenes import recipe_from
from ..recipes import BACKGROUND, SceneRecipe, recipe_hash
from ..sources import PACKAGED, SceneSources

GENERATOR_VERSION = 1
"""Raise it whenever the same recipes give other pictures: caches and stored results of older pictures are then left."""

COUNT = 300
SIDE_PX = 512
SEED = 300
RADII_PX = (4.0, 48.0)
LAYERS = (1, 1, 1, 1, 1, 2, 2, 2, 3, 3)
IN_FRONT = (True, True, False)
LIGHTS = (0, 0, 0, 60)
"""Decks that are dealt one card a scene: number of cut-outs, focus on one of them or on the background, lights."""

INDEX = "scenes.json"
GOLDEN_RATIO = 0.6180339887498949


def make_recipes(sources: SceneSources = PACKAGED, count: int = COUNT) -> list[SceneRecipe]:
    """Draw the first ``count`` scenes; the same names of photographs and cut-outs give the same recipes."""
    return [_make_recipe(index, sources) for index in range(count)]


def _make_recipe(index: int, sources: SceneSources) -> SceneRecipe:
    rng = np.random.Generator(np.random.PCG64([SEED, index]))
    kinds = [_deal(sources.cutouts, index, "cut-out")]
    while len(kinds) < _deal(LAYERS, index, "layers"):
        others = [kind for kind in sources.cutouts if kind not in kinds] or sources.cutouts
        kinds.append(others[int(rng.integers(len(others)))])
    focus = int(rng.integers(len(kinds))) if _deal(IN_FRONT, index, "focus") else BACKGROUND
    low, high = RADII_PX
    share = ((index + 0.5) * GOLDEN_RATIO) % 1.0  # any stretch of scenes covers the range evenly
    return SceneRecipe(
        name=f"{index:03d}-{'-'.join(Path(kind).stem for kind in kinds)}",
        seed=SEED * 1000 + index,
        background=_deal(sources.photographs, index, "photograph"),
        cutouts=tuple(kinds),
        focus=focus,
        max_radius_px=round(low * (high / low) ** share, 1),
        lights=_deal(LIGHTS, index, "lights"),
        height=SIDE_PX,
        width=SIDE_PX,
    )


def _deal(deck: Sequence[Any], index: int, what: str) -> Any:
    """Return card ``index`` of a deck that is shuffled again each time it is used up: every card as often."""
    turn, place = divmod(index, len(deck))
    salt = int.from_bytes(hashlib.sha256(what.encode()).digest()[:4], "big")
    order = np.argsort(np.random.Generator(np.random.PCG64([SEED, salt, turn])).random(len(deck)))
    return deck[int(order[place])]


def make_index(sources: SceneSources = PACKAGED) -> dict[str, Any]:
    """Return the content of scenes.json, which decides a folder's scenes.

    ``version`` also covers the content of the user's pictures. Raises MissingDataError naming a file.
    """
    recipes = make_recipes(sources)
    own = sources.describe()
    hashes = "".join(recipe_hash(recipe) for recipe in recipes) + json.dumps(own, sort_keys=True)
    return {
        "version": f"{GENERATOR_VERSION}-{hashlib.sha256(hashes.encode()).hexdigest()[:12]}",
        "own_photographs": len(sources.photograph_files),
        "own_cutouts": len(sources.cutout_files),
        "files": own,
        "recipes": [dataclasses.asdict(recipe) for recipe in recipes],
    }


def write_index(folder: Path, index: Mapping[str, Any]) -> None:
    """Write scenes.json. Raises InvalidOptionError where ``folder`` holds other scenes."""
    path = folder / INDEX
    if path.is_file() and read_index(folder)["version"] != index["version"]:
        raise InvalidOptionError(f"{folder}: holds scenes from other pictures or seeds: choose another --output")
    content = json.dumps(index, indent=1).encode()
    write_atomically(path, lambda file: file.write(content))


def read_index(folder: Path) -> dict[str, Any]:
    """Return scenes.json with its recipes as SceneRecipe. Raises DamagedDataError."""
    path = folder / INDEX
    index = read_mapping(path, "the index of generated scenes")
    try:
        version, photographs, cutouts = index["version"], index["own_photographs"], index["own_cutouts"]
        recipes = [recipe_from(values) for values in index["recipes"]]
    except (ValueError, KeyError, TypeError, InvalidSceneError) as error:
        raise DamagedDataError(f"{path}: expected the index of generated scenes: {error}: generate it again") from error
    return {"version": str(version), "own_photographs": photographs, "own_cutouts": cutouts, "recipes": recipes}
