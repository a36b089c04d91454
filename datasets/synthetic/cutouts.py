"""Foregrounds that are hard at their edges, painted at random: hair, fur, foliage, wire, glass, lettering.

Each painter returns (height, width, 4) float32: premultiplied RGBA in linear light, as the layers want it, so that a
soft edge never carries a colour of its own. They use only the generator's ``random`` and ``integers``.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...core.errors import UnknownNameError
from .canvas import Canvas, Colour, dimmed, mixed, photograph_texture, shade, smooth_noise
from .cutouts_glass_lettering import paint_glass, paint_lettering

Painter = Callable[[int, int, np.random.Generator], NDArray[np.float32]]

HAIR_COLOURS: tuple[Colour, ...] = ((0.30, 0.17, 0.09), (0.62, 0.43, 0.22), (0.47, 0.20, 0.10), (0.20, 0.15, 0.13))
CLOTH_COLOURS: tuple[Colour, ...] = ((0.55, 0.16, 0.18), (0.18, 0.30, 0.50), (0.62, 0.58, 0.48), (0.20, 0.36, 0.28))
LEAF_COLOURS: tuple[Colour, ...] = ((0.24, 0.42, 0.12), (0.38, 0.50, 0.16), (0.62, 0.42, 0.13), (0.16, 0.34, 0.16))

STRANDS, LOOSE_STRANDS = 5200, 420
"""Of hair; the last to be painted are loose."""


def make_cutout(kind: str, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Paint one foreground of a kind in CUTOUTS.

    Returns (height, width, 4) float32, linear, premultiplied. Raises UnknownNameError.
    """
    if kind not in CUTOUTS:
        raise UnknownNameError(f"unknown cut-out '{kind}'. Known: {', '.join(CUTOUTS)}")
    return CUTOUTS[kind](height, width, rng)


def paint_hair(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Paint a head with long loose hair, seen from behind, on clothed shoulders."""
    centre, crown, skull = width / 2.0, 0.08 * height, np.array([0.21, 0.25]) * min(height, width * 1.1)
    shoulders = _paint_shoulders(height, width, centre, crown + 2.0 * skull[1], rng)
    canvas = Canvas(height, width)
    base = HAIR_COLOURS[rng.integers(len(HAIR_COLOURS))]
    canvas.ellipse(np.array([centre, crown + skull[1]]), skull[0] * 0.97, skull[1], dimmed(base, 0.4))
    under = np.array([[-0.6, 0.0], [0.6, 0.0], [0.75, 1.6], [-0.75, 1.6]])
    canvas.polygon(np.array([centre, crown + skull[1]]) + under * skull, dimmed(base, 0.4))
    clumps = rng.random((70, 5))
    draws = [(rng.integers(len(clumps)), *rng.random(7)) for _ in range(STRANDS)]
    _paint_strands(canvas, np.array([centre, crown + skull[1]]), skull, base, clumps, np.array(draws))
    hair = canvas.rgba()
    return hair + shoulders * (1.0 - hair[..., 3:])


def _paint_strands(
    canvas: Canvas,
    middle: NDArray[np.float64],
    skull: NDArray[np.float64],
    base: Colour,
    clumps: NDArray[np.float64],
    draws: NDArray[np.float64],
) -> None:
    """Paint strands in order; ``draws`` (N,8): the index of each one's clump, then numbers in [0,1)."""
    index = np.arange(len(draws))
    loose = index > len(draws) - LOOSE_STRANDS
    clump, strand = clumps[draws[:, 0].astype(int)], draws[:, 1:7]
    path = _hair_paths(clump, strand, loose)
    depth = 0.45 + 0.55 * index / len(draws)
    tone = depth * (0.7 + 0.35 * clump[:, 4] + 0.35 * draws[:, 7])
    glint = (0.75 * depth)[:, None, None] * _glint(path, clump)[..., None]
    colours = np.array(base) * (tone[:, None, None] * (1.0 - glint) + 2.4 * glint)
    points = middle + path * skull
    widths = np.repeat(np.where(loose, 0.3, 0.55), path.shape[1] - 1)
    canvas.segments(points[:, :-1].reshape(-1, 2), points[:, 1:].reshape(-1, 2), colours.reshape(-1, 3), widths)


def _hair_paths(
    clump: NDArray[np.float64], strand: NDArray[np.float64], loose: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return strands (N,24,2) in units of the skull's radii around its centre: over the skull, then down.

    ``clump``: (N,5), ``strand``: (N,6), both in [0,1).
    """
    across = np.sin((2.0 * (0.85 * clump[:, 0] + 0.15 * strand[:, 0]) - 1.0) * np.pi / 2.0)[:, None]
    angle = np.linspace(0.15 + 0.3 * strand[:, 1], np.pi / 2.0, 13, axis=1)
    over = np.stack([across * np.sin(angle), -np.cos(angle) * (1.06 - 0.1 * abs(across) * np.sin(angle))], axis=2)
    clump, strand, loose = clump[..., None], strand[..., None], loose[:, None]
    length = 1.7 + 0.9 * clump[:, 1] + 0.35 * strand[:, 2]
    fall = np.linspace(0.0, 1.0, 12)[1:]
    wave = (0.05 + 0.11 * clump[:, 2]) * np.sin((5.0 + 4.0 * clump[:, 4]) * fall + 6.28 * clump[:, 3]) * np.sqrt(fall)
    stray = (strand[:, 3] - 0.5) * np.where(loose, 0.9, 0.16) * fall
    stray += np.where(loose, 0.5 * (strand[:, 4] - 0.5) * fall**2, 0.0)
    spread = across * (1.0 + 0.28 * np.sqrt(fall)) * np.where(loose, 1.1, 1.04 + 0.03 * strand[:, 5])
    down = np.stack([spread + wave + stray, length * fall], axis=2)
    return np.concatenate(
        [over * (1.0 + 0.05 * strand[:, 5, :, None] * np.where(loose, 2.5, 1.0)[..., None]), down], axis=1
    )


def _glint(path: NDArray[np.float64], clump: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how brightly each segment of strands shines, (N,23), [0,1]: on the skull's slope, and where it waves."""
    on_skull = np.exp(-(((path[:, :-1, 1] + 0.5 + 0.25 * clump[:, 3:4]) / 0.28) ** 2))
    lean = np.diff(path[..., 0]) / (np.abs(np.diff(path[..., 1])) + 0.05)
    waving = np.clip(-2.2 * lean, 0.0, 1.0) * np.clip(path[:, :-1, 1], 0.0, 1.0)
    return np.clip(0.6 * on_skull + 0.5 * waving, 0.0, 1.0)


def _paint_shoulders(
    height: int, width: int, centre: float, neck: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    canvas = Canvas(height, width)
    side = np.linspace(0.0, 1.0, 24)
    slope = np.stack([0.08 + 0.38 * side**0.8, 0.02 + 0.26 * side**2.2], axis=1) * np.array([width, height])
    right = slope + np.array([centre, neck])
    left = np.stack([2.0 * centre - right[:, 0], right[:, 1]], axis=1)[::-1]
    floor = np.array([[right[-1, 0] + 0.01 * width, height + 1.0], [left[0, 0] - 0.01 * width, height + 1.0]])
    canvas.polygon(np.concatenate([left, right, floor]), CLOTH_COLOURS[rng.integers(len(CLOTH_COLOURS))])
    y, x = np.mgrid[:height, :width]
    weave = 1.0 + 0.18 * np.sin(x * 2.1) * np.sin(y * 2.1)
    folds = 1.0 + 0.22 * smooth_noise(height, width, 30.0, rng)
    rounded = 0.35 + 0.9 * np.clip(1.0 - np.abs((x - centre * 0.9) / (0.5 * width)) ** 2, 0.0, 1.0)
    return shade(canvas.rgba(), weave * np.clip(folds, 0.4, 1.6) * rounded)


def paint_fur(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Paint a furry toy that looks at the camera; its coat is coloured after a cat's photograph."""
    size = min(height, width)
    centre = np.array([width / 2.0, 0.36 * height])
    head, body = 0.27 * size, 0.36 * size
    parts = [
        (np.array([width / 2.0, height * 0.36 + 1.45 * head + 0.2 * body]), body, 0.82),
        (centre + np.array([-0.72, -0.78]) * head, 0.40 * head, 1.0),
        (centre + np.array([0.72, -0.78]) * head, 0.40 * head, 1.0),
        (centre, head, 1.0),
        (centre + np.array([0.0, 0.38]) * head, 0.42 * head, 1.25),
    ]
    coat = photograph_texture("chelsea", height, width, rng)
    patches = 1.0 + 0.25 * smooth_noise(height, width, 0.2 * size, rng)
    tint = mixed((0.62, 0.45, 0.30), (0.72, 0.66, 0.60), float(rng.random()))
    canvas = Canvas(height, width)
    for part, (middle, radius, brightness) in enumerate(parts):
        canvas.ellipse(middle, radius * 0.97, radius * 0.97, dimmed(tint, 0.35))
        count = int(5.5 * radius**2 * (1.0 if part != 4 else 1.3)) // 4 + 600
        _paint_coat(canvas, middle, radius, dimmed(tint, brightness), coat.mean(axis=2) * patches, count, rng)
    for side in (-1.0, 1.0):
        eye = centre + np.array([0.36 * side, -0.12]) * head
        canvas.ellipse(eye, 0.11 * head, 0.12 * head, (0.05, 0.04, 0.04))
        canvas.ellipse(eye + np.array([-0.03, -0.04]) * head, 0.032 * head, 0.032 * head, (0.95, 0.95, 0.97))
    canvas.ellipse(centre + np.array([0.0, 0.2]) * head, 0.13 * head, 0.09 * head, (0.12, 0.08, 0.08))
    canvas.ellipse(centre + np.array([-0.03, 0.165]) * head, 0.05 * head, 0.02 * head, (0.45, 0.42, 0.42))
    return canvas.rgba()


def _paint_coat(
    canvas: Canvas,
    middle: NDArray[np.float64],
    radius: float,
    tint: Colour,
    coat: NDArray[np.float64],
    count: int,
    rng: np.random.Generator,
) -> None:
    """Cover a ball with short hairs, the outer ones first so that the inner ones lie over them like shingles."""
    draws = rng.random((count, 6))
    distance = np.sort(np.sqrt(draws[:, 0]))[::-1]
    angle = 2.0 * np.pi * draws[:, 1]
    normal = distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    root = middle + radius * normal
    lit = 0.42 + 0.75 * np.maximum(0.0, normal @ (-0.45, -0.62) + 0.65 * np.sqrt(1.0 - distance**2))
    column, row = np.clip(root.astype(int), 0, (coat.shape[1] - 1, coat.shape[0] - 1)).T
    albedo = np.clip(coat[row, column], 0.25, 2.2) ** 0.45
    heading = angle + 1.6 * (draws[:, 2] - 0.5)
    outward = np.stack([np.cos(heading), np.sin(heading)], axis=1) * (0.25 + 0.75 * distance[:, None])
    length = radius * (0.10 + 0.12 * draws[:, 3:4])
    bend = 0.3 * length * np.concatenate([draws[:, 4:5] - 0.5, np.ones((count, 1))], axis=1)
    reach = length * (outward + np.array([0.0, 0.35]))
    middles, tips = root + 0.55 * reach, root + reach + 0.6 * bend
    tone = lit * albedo * (0.62 + 0.55 * draws[:, 5])
    # Each hair is two strokes, the thin tip right after its own root.
    starts, ends = np.stack([root, middles], axis=1), np.stack([middles, tips], axis=1)
    shades = tone[:, None, None] * np.array(tint) * np.array([[0.8], [1.12]])
    widths = np.tile([0.7, 0.4], count)
    canvas.segments(starts.reshape(-1, 2), ends.reshape(-1, 2), shades.reshape(-1, 3), widths)


def paint_foliage(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Paint a spray of twigs and leaves that grows from the lower edge."""
    canvas = Canvas(height, width)
    twigs = 11
    for twig in range(twigs):
        depth = twig / (twigs - 1)
        start = np.array([width * (0.27 + 0.46 * rng.random()), height * 1.02])
        lean = 2.0 * (twig * 0.618 % 1.0) - 1.0
        length = height * (0.5 + 0.46 * rng.random())
        t = np.linspace(0.0, 1.0, 30)
        curve = np.stack([lean * 0.2 * width * t**1.6, -length * t * (1.0 - 0.22 * abs(lean) * t)], axis=1)
        stem = start + curve
        for k in range(len(stem) - 1):
            canvas.line(stem[k : k + 2], dimmed((0.34, 0.25, 0.15), 0.5 + 0.5 * depth), 3.2 - 2.4 * t[k])
        leaf_size = 0.16 * min(height, width) * (0.8 + 0.4 * rng.random())
        for k in range(4, len(stem)):
            heading = np.arctan2(*(stem[k] - stem[k - 1])[::-1])
            side = 1.0 if k % 2 else -1.0
            angle = heading + side * (0.45 + 0.65 * rng.random())
            size = leaf_size * (1.05 - 0.5 * t[k]) * (0.75 + 0.5 * rng.random())
            _paint_leaf(canvas, stem[k], angle, size, 0.45 + 0.55 * depth, rng)
    leaves = canvas.rgba()
    grain = photograph_texture("grass", height, width, rng).mean(axis=2) ** 0.25
    return shade(leaves, grain * (1.0 + 0.08 * smooth_noise(height, width, 12.0, rng)))


def _paint_leaf(
    canvas: Canvas, base: NDArray[np.float64], angle: float, size: float, light: float, rng: np.random.Generator
) -> None:
    along = np.linspace(0.0, 1.0, 14)
    plump = 0.16 + 0.12 * rng.random()
    half = plump * np.sin(np.pi * along**0.8) * (1.0 - 0.25 * along)
    bend = 0.35 * (rng.random() - 0.5) * along**2
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    hue = mixed(LEAF_COLOURS[rng.integers(len(LEAF_COLOURS))], LEAF_COLOURS[0], 0.55)
    facing = light * (0.75 + 0.55 * rng.random())
    rib = base + size * np.stack([along, bend], axis=1) @ turn
    for side, tone in ((1.0, 1.12), (-1.0, 0.82)):
        edge = base + size * np.stack([along, bend + side * half], axis=1) @ turn
        canvas.polygon(np.concatenate([rib, edge[::-1]]), dimmed(hue, facing * tone))
        for k in range(2, 12, 2):
            vein = np.stack([rib[k], 0.25 * rib[k + 1] + 0.75 * edge[min(k + 2, 13)]])
            canvas.line(vein, dimmed(hue, facing * tone * 1.22), 0.35)
    canvas.line(rib, dimmed(hue, facing * 1.55), 0.6)


def paint_wire(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Paint a chain-link fence that fills the picture."""
    canvas = Canvas(height, width)
    mesh = (0.12 + 0.05 * rng.random()) * min(height, width)
    gauge = max(2.4, 0.075 * mesh)
    steel = mixed((0.58, 0.60, 0.62), (0.36, 0.47, 0.38), float(rng.random() > 0.5))
    rows = np.arange(-2, int(height / mesh * 2) + 4)
    for strand in range(-1, int(width / mesh) + 2):
        zigzag = np.where((rows + strand) % 2 == 0, -0.5, 0.5)  # neighbours meet and hook where they bend
        jitter = 0.03 * (rng.random((len(rows), 2)) - 0.5)
        x = mesh * (strand + 0.5 + zigzag * 1.06 + jitter[:, 0])
        points = np.stack([x, mesh * (0.5 * rows + jitter[:, 1])], axis=1)
        for k in range(len(points) - 1):
            segment = points[k : k + 2]
            facing = 0.85 if zigzag[k] < 0 else 1.1
            for share, tone, shift in ((1.0, 0.38, 0.0), (0.72, 0.75, -0.06), (0.42, 1.1, -0.13), (0.16, 1.6, -0.2)):
                canvas.line(segment + shift * gauge, dimmed(steel, tone * facing), gauge * share)
            canvas.ellipse(points[k], gauge * 0.62, gauge * 0.62, dimmed(steel, 0.7))
    rust = 1.0 + 0.28 * smooth_noise(height, width, 6.0, rng)
    patina = photograph_texture("gravel", height, width, rng).mean(axis=2) ** 0.35
    return shade(canvas.rgba(), np.clip(rust, 0.3, 1.8) * patina)


CUTOUTS: dict[str, Painter] = {
    "hair": paint_hair,
    "fur": paint_fur,
    "foliage": paint_foliage,
    "wire": paint_wire,
    "glass": paint_glass,
    "lettering": paint_lettering,
}
"""Painters by kind."""
