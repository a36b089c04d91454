"""The scenes, each from its own seed: many depths, thin things, hairy cut-outs, tilted planes."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from .objects import Ball, Card, Lamp, Rod, Thing, TracedScene
from .textures import blotches, hairy_cutout, leafy_cutout, shuffled_photographs

Photos = Iterator[NDArray[np.uint8]]

FIRST_NUMBER = 100
"""Scene folders are numbered from here."""


def make_traced_scene(index: int) -> TracedScene:
    """Return scene ``index`` (0, 1, ...): the kinds take turns, the seed is the index. Deterministic."""
    kinds = list(KINDS)
    kind = kinds[index % len(kinds)]
    return KINDS[kind](np.random.default_rng([7, index]), index)


def _backdrop(rng: np.random.Generator, photos: Photos, depth: float = 8.0) -> Card:
    tilt = (float(rng.uniform(-20, 20)), float(rng.uniform(-20, 20)), 0.0)
    return Card(next(photos), (0.0, 0.0, depth), (2.0, 1.8), tilt)


def _hairy(rng: np.random.Generator, photos: Photos, place: tuple[float, float], size: float, hairs: int) -> Card:
    tilt = (float(rng.uniform(-25, 25)), float(rng.uniform(-25, 25)), float(rng.uniform(-20, 20)))
    at = (place[0], float(rng.uniform(-0.15, 0.15)), place[1])
    return Card(next(photos), at, (size, size), tilt, hairy_cutout(rng, hairs))


def _portrait(rng: np.random.Generator, seed: int) -> TracedScene:
    photos = shuffled_photographs(rng)
    objects: list[Thing] = [
        _backdrop(rng, photos),
        _hairy(rng, photos, (float(rng.uniform(-0.3, 0.3)), 2.5), 0.95, 70),
    ]
    return TracedScene("portrait", seed, (2.5, 8.0), objects)


def _crowd(rng: np.random.Generator, seed: int) -> TracedScene:
    photos = shuffled_photographs(rng)
    depths = (2.2, 3.0, 4.2, 5.5)
    places = rng.permutation([-0.65, -0.2, 0.25, 0.7])
    cards = [_hairy(rng, photos, (float(x), z), 0.75, 30) for x, z in zip(places, depths, strict=True)]
    return TracedScene("crowd", seed, (2.2, 5.5), [_backdrop(rng, photos), *cards])


def _balls(rng: np.random.Generator, seed: int) -> TracedScene:
    photos = shuffled_photographs(rng)
    objects: list[Thing] = [_backdrop(rng, photos)]
    for depth in (2.4, 3.0, 3.6, 4.4, 5.2, 6.4):
        at = (float(rng.uniform(-0.8, 0.8)), float(rng.uniform(-0.5, 0.5)), depth)
        objects.append(Ball(blotches(rng), at, float(rng.uniform(0.18, 0.32))))
    return TracedScene("balls", seed, (2.4, 7.5), objects)


def _fence(rng: np.random.Generator, seed: int) -> TracedScene:
    photos = shuffled_photographs(rng)
    objects: list[Thing] = [
        _backdrop(rng, photos),
        _hairy(rng, photos, (float(rng.uniform(-0.4, 0.4)), 4.5), 0.7, 30),
    ]
    for place in np.linspace(-0.9, 0.9, 9):
        colour = tuple(float(c) for c in rng.uniform(0.1, 0.9, 3))
        lean, shift = rng.normal(0.0, 0.12, 2)
        start, end = (
            (float(place + shift), -1.2, 2.4),
            (float(place + shift + lean), 1.2, 2.4 + float(rng.uniform(0, 0.5))),
        )
        objects.append(Rod((colour[0], colour[1], colour[2]), start, end, float(rng.uniform(0.004, 0.02))))
    return TracedScene("fence", seed, (2.6, 7.5), objects)


def _foliage(rng: np.random.Generator, seed: int) -> TracedScene:
    photos = shuffled_photographs(rng)
    objects: list[Thing] = [_backdrop(rng, photos)]
    for depth in (5.0, 3.4, 2.3):
        at = (float(rng.uniform(-0.3, 0.3)), float(rng.uniform(-0.2, 0.2)), depth)
        tilt = (float(rng.uniform(-25, 25)), float(rng.uniform(-25, 25)), 0.0)
        objects.append(Card(next(photos), at, (1.1, 1.1), tilt, leafy_cutout(rng, 30)))
    return TracedScene("foliage", seed, (2.3, 6.5), objects)


def _court(rng: np.random.Generator, seed: int) -> TracedScene:
    photos = shuffled_photographs(rng)
    floor = Card(blotches(rng), (0.0, 0.42, 4.5), (1.9, 2.2), (72.0, 0.0, 0.0))
    objects: list[Thing] = [_backdrop(rng, photos, 9.0), floor]
    for depth in (2.4, 3.2, 4.2, 5.4):
        across = float(rng.uniform(-0.8, 0.8))
        colour = tuple(float(c) for c in rng.uniform(0.1, 0.9, 3))
        objects.append(Rod((colour[0], colour[1], colour[2]), (across, -0.9, depth), (across, 0.5, depth), 0.06))
    objects.append(Ball(blotches(rng), (float(rng.uniform(-0.5, 0.5)), 0.1, 3.6), 0.22))
    return TracedScene("court", seed, (2.6, 8.0), objects)


def _lights(rng: np.random.Generator, seed: int) -> TracedScene:
    photos = shuffled_photographs(rng)
    objects: list[Thing] = [
        _backdrop(rng, photos),
        _hairy(rng, photos, (float(rng.uniform(-0.3, 0.3)), 2.5), 0.9, 40),
    ]
    for _ in range(24):
        radiance = tuple(float(c) for c in rng.uniform(3.0, 10.0, 3))
        at = (float(rng.uniform(-0.95, 0.95)), float(rng.uniform(-0.7, 0.7)), float(rng.uniform(5.5, 6.5)))
        objects.append(Lamp((radiance[0], radiance[1], radiance[2]), at, 0.012))
    return TracedScene("lights", seed, (2.5, 6.0), objects, effort=4)


def _still_life(rng: np.random.Generator, seed: int) -> TracedScene:
    photos = shuffled_photographs(rng)
    objects: list[Thing] = [
        _backdrop(rng, photos),
        _hairy(rng, photos, (-0.5, 2.4), 0.7, 50),
        Card(next(photos), (0.45, 0.1, 3.6), (0.5, 0.4), (10.0, 35.0, 8.0)),
        Ball(blotches(rng), (0.05, -0.25, 4.8), 0.28),
    ]
    for _ in range(6):
        x, y = rng.uniform(-0.9, 0.9, 2)
        ends = rng.normal(0.0, 0.5, 2)
        depth = float(rng.uniform(2.6, 5.5))
        objects.append(
            Rod((0.15, 0.3, 0.1), (float(x), float(y), depth), (float(x + ends[0]), float(y + ends[1]), depth), 0.01)
        )
    return TracedScene("still-life", seed, (2.4, 5.0), objects)


KINDS: dict[str, Callable[[np.random.Generator, int], TracedScene]] = {
    "portrait": _portrait,
    "crowd": _crowd,
    "balls": _balls,
    "fence": _fence,
    "foliage": _foliage,
    "court": _court,
    "lights": _lights,
    "still-life": _still_life,
}
