"""Cut-outs that are computed rather than drawn: a glass bottle and solid letters."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import distance_transform_edt, gaussian_filter

from ...core.optics import GAMMA
from .canvas import OVERSAMPLING, Colour, photograph_texture, shade, smooth_noise
from .photographs import packaged_file

GLASS_TINTS: tuple[Colour, ...] = ((0.10, 0.34, 0.16), (0.40, 0.20, 0.06), (0.20, 0.42, 0.52))
LETTER_TINTS: tuple[Colour, ...] = ((0.85, 0.28, 0.20), (0.95, 0.80, 0.35), (0.30, 0.52, 0.78), (0.90, 0.88, 0.84))
WORDS = ("BOKEH", "lens", "f/1.4", "Aperture", "focus", "50mm", "LIGHT", "depth")
FONTS = ("DejaVuSans-Bold.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSans-BoldOblique.ttf")


def paint_glass(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Paint a bottle of tinted glass with a paper label: alpha is soft inside and dense at the rim."""
    tint = np.array(GLASS_TINTS[rng.integers(len(GLASS_TINTS))]) ** GAMMA
    y, x = np.mgrid[:height, :width].astype(np.float64)
    radius = _bottle_radius(y[:, 0] / height, rng)[:, None] * min(0.5 * width, 0.22 * height)
    across = (x - width / 2.0) / np.maximum(radius, 1e-6)
    inside = np.clip(radius - np.abs(x - width / 2.0) + 0.5, 0.0, 1.0) * (radius > 0.5)
    rim = np.clip(np.abs(across), 0.0, 1.0)
    wall = 0.30 + 0.60 * rim**5 + 0.12 * (y > 0.93 * height)  # the ray's path through the wall grows to the rim
    liquid = 0.22 * (y > (0.40 + 0.08 * rng.random()) * height) * (1.0 - rim**6)
    alpha = np.clip(wall + liquid, 0.0, 0.97)
    density = (1.0 - 0.55 * rim**3) * (1.0 + 0.05 * smooth_noise(height, width, 8.0, rng))
    colour = tint * (alpha * density)[..., None]
    rgba = np.concatenate([colour, alpha[..., None]], axis=2)
    rgba = _paint_label(rgba, across, y / height, rng)
    for centre, spread, strength in ((-0.58, 0.07, 0.85), (-0.36, 0.03, 0.35), (0.70, 0.05, 0.45)):
        streak = strength * np.exp(-(((across - centre) / spread) ** 2)) * _streak_length(y / height)
        rgba = rgba * (1.0 - streak[..., None]) + streak[..., None] * np.array([0.92, 0.96, 1.0, 1.0])
    return (rgba * inside[..., None]).astype(np.float32)


def _bottle_radius(down: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the silhouette's half width in [0,1] at heights in [0,1]: neck, shoulder, body, rounded foot."""
    shoulder, softness = 0.36 + 0.06 * rng.random(), 0.045 + 0.03 * rng.random()
    neck = 0.26 + 0.04 * rng.random()
    body = neck + (0.97 - neck) / (1.0 + np.exp(-(down - shoulder) / softness))
    lip = 0.05 * np.exp(-(((down - 0.045) / 0.014) ** 4))
    foot = np.sqrt(np.clip(1.0 - np.clip((down - 0.955) / 0.035, 0.0, 1.0) ** 2 * 0.35, 0.0, 1.0))
    return (body + lip) * foot * (down > 0.03) * (down < 0.99)


def _streak_length(down: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip((down - 0.05) / 0.05, 0.0, 1.0) * np.clip((0.93 - down) / 0.06, 0.0, 1.0)


def _paint_label(
    rgba: NDArray[np.float64], across: NDArray[np.float64], down: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Wrap paper with a word and a photograph's grain around the bottle's body."""
    height, width = down.shape
    top, bottom = 0.56, 0.82
    curved = down - 0.012 * np.sqrt(np.clip(1.0 - across**2, 0.0, 1.0))  # its edges sag, seen from slightly above
    mask = np.clip((curved - top) * height, 0.0, 1.0) * np.clip((bottom - curved) * height, 0.0, 1.0)
    mask = mask * (np.abs(across) < 0.985)
    paper = np.array([0.86, 0.82, 0.70]) * photograph_texture("gravel", height, width, rng) ** 0.12
    word = _word_mask(WORDS[rng.integers(len(WORDS))], FONTS[1], 120)
    # Unroll the cylinder: the angle around it, not the distance across, is what the print is linear in.
    angle = np.arcsin(np.clip(across, -1.0, 1.0)) / 1.1
    row = np.clip((curved - 0.62) / 0.13 * word.shape[0], -1, word.shape[0]).astype(int)
    column = np.clip((angle * 0.5 + 0.5) * word.shape[1], -1, word.shape[1]).astype(int)
    framed = np.pad(gaussian_filter(word, 1.5), 1)
    ink = framed[row + 1, column + 1]
    ink = np.maximum(ink, ((np.abs(curved - 0.585) < 0.005) | (np.abs(curved - 0.795) < 0.005)).astype(float))
    print_colour = np.array([0.16, 0.05, 0.04])
    lit = 0.35 + 0.65 * np.sqrt(np.clip(1.0 - np.clip(across + 0.25, -1.0, 1.0) ** 2, 0.0, 1.0))
    colour = (paper * (1.0 - ink[..., None]) + print_colour * ink[..., None]) * lit[..., None]
    label = np.concatenate([np.clip(colour, 0.0, 1.0), np.ones((height, width, 1))], axis=2)
    return rgba * (1.0 - mask[..., None]) + label * mask[..., None]


def paint_lettering(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Paint words as bevelled solid letters with the grain of brick or gravel."""
    lines = 2 + int(rng.integers(2))
    first = int(rng.integers(len(WORDS)))
    words = [WORDS[(first + 3 * k) % len(WORDS)] for k in range(lines)]
    font, tilt = FONTS[rng.integers(len(FONTS))], 24.0 * (rng.random() - 0.5)
    fine = (height * OVERSAMPLING, width * OVERSAMPLING)
    page = Image.new("L", fine[::-1], 0)
    band = fine[0] // lines
    for k, word in enumerate(words):
        mask = Image.fromarray((255 * _word_mask(word, font, 400)).astype(np.uint8))
        scale = min(0.86 * fine[1] / mask.width, 0.74 * band / mask.height)
        mask = mask.resize((int(mask.width * scale), int(mask.height * scale)), Image.Resampling.BILINEAR)
        left = (fine[1] - mask.width) // 2
        page.paste(mask, (left, k * band + (band - mask.height) // 2))
    solid = np.asarray(page.rotate(tilt, Image.Resampling.BILINEAR)) > 127
    bevel = 0.010 * fine[0]
    relief = gaussian_filter(np.minimum(distance_transform_edt(solid), bevel), 0.2 * bevel)
    slope_y, slope_x = np.gradient(relief)
    light = np.clip(0.78 - 0.62 * (slope_x * -0.5 + slope_y * -0.85) * -1.0, 0.12, 1.9)
    tint = np.array(LETTER_TINTS[rng.integers(len(LETTER_TINTS))]) ** GAMMA
    samples = np.concatenate([tint * (light * solid)[..., None], solid[..., None]], axis=2)
    rgba = samples.reshape(height, OVERSAMPLING, width, OVERSAMPLING, 4).mean(axis=(1, 3))
    grain = photograph_texture(("brick", "gravel")[rng.integers(2)], height, width, rng).mean(axis=2) ** 0.7
    return shade(rgba.astype(np.float32), grain)


def _word_mask(word: str, font_file: str, size: int) -> NDArray[np.float64]:
    """Return a word's coverage in [0,1], cropped to its ink, in a font that ships with matplotlib."""
    path = packaged_file("matplotlib", f"mpl-data/fonts/ttf/{font_file}")
    font = ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    left, top, right, bottom = (int(v) for v in font.getbbox(word))
    page = Image.new("L", (right - left, bottom - top), 0)
    ImageDraw.Draw(page).text((-left, -top), word, fill=255, font=font)
    return np.asarray(page, np.float64) / 255.0
