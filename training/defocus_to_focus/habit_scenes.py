"""Scenes for a method that is given a picture alone: one subject in focus by a habit, and decoys that are not.

What is pasted is not always sharp: further cut-outs stand blurred behind the subject, and now and then the cut-out is
out of focus and the photograph is not. Colours and brightness of cut-outs are drawn towards those of the photograph,
and the composite goes through noise and JPEG as a whole.
"""

import io
import math
from dataclasses import dataclass, field
from typing import Annotated, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset

from ...core.checks import LARGEST_SEED, Within, check, check_fields, check_path
from ...core.optics import array_to_display
from ...datasets.synthetic.focus_habit import FocusHabit
from ...datasets.synthetic.layers import MAX_SLOPE, Layer, LayeredScene, Plane, pinhole
from ...datasets.synthetic.ray_tracer import trace
from ...datasets.synthetic.recipes import add_light
from ...datasets.synthetic.training_pictures import CutoutSource, PhotographSource
from ...datasets.synthetic.training_scenes import lens_samples
from ..engine.task import Batch
from ..scenes.sample import TrainingSample

ATTEMPTS = 24
PAINTED_PX = 240
"""Smallest side at which cut-outs are painted: strokes that are painted smaller are other strokes."""

NIGHT_EXPOSURE = 0.1
DECOYS = (0, 0, 1, 1, 2)
"""How many further cut-outs a scene has, each number as likely as it stands here."""

TILT = 0.03
"""Largest change of a plane's disparity over the picture's width and height; what lies behind another is far enough."""

Texture = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class HabitSettings:
    """What scenes are drawn from.

    - ``photographs``, ``cutouts``: folders; ``painted``: how many further cut-outs this program paints itself.
    - ``size_px``: side of the square picture. ``night``: share of scenes with a dark background and small lights.
    - ``harmonised``: share of cut-outs whose colours are drawn towards the photograph's; ``compressed``: share of
      composites that go through JPEG.
    - ``lens_samples``: rays per pixel at radii of 32 px or more, see ``training_scenes.lens_samples``.
    """

    photographs: tuple[str, ...]
    cutouts: tuple[str, ...] = ()
    painted: Annotated[int, Within(0, 10**6)] = 0
    size_px: Annotated[int, Within(32, 4096)] = 192
    night: Annotated[float, Within(0.0, 1.0)] = 0.1
    harmonised: Annotated[float, Within(0.0, 1.0)] = 0.7
    compressed: Annotated[float, Within(0.0, 1.0)] = 0.7
    lens_samples: Annotated[int, Within(1, 2**16)] = 256
    seed: Annotated[int, Within(0, LARGEST_SEED)] = 0
    habit: FocusHabit = field(default_factory=FocusHabit)

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("photographs", "cutouts"):
            for folder in getattr(self, name):
                check_path(name, folder)
        check("photographs", self.photographs, len(self.photographs) > 0, "at least one folder")
        check("cutouts", self.cutouts, len(self.cutouts) > 0 or self.painted > 0, "a folder, or painted above 0")


class HabitScenes(Dataset[TrainingSample]):
    """An endless map from index to sample. Raises MissingDataError where a folder is absent or empty.

    ``disparity`` is that of the nearest surface that covers over half of a pixel, never a mixture of two.
    """

    def __init__(self, settings: HabitSettings):
        self.settings = settings
        self._photographs = PhotographSource(settings.photographs)
        self._cutouts = CutoutSource(
            settings.cutouts, settings.painted, max(PAINTED_PX, round(1.25 * settings.size_px))
        )

    def __getitem__(self, index: int) -> TrainingSample:
        """Return sample ``index``, >= 0."""
        sample, scene = self.draw_sharp(index)
        radius_px = scene.blur_strength * float((sample["disparity"] - scene.focus_disparity).abs().max())
        target = trace(scene, samples=lens_samples(self.settings.lens_samples, radius_px))
        return cast(TrainingSample, {**sample, "target": _to_tensor(array_to_display(target))})

    def draw_sharp(self, index: int) -> tuple[Batch, LayeredScene]:
        """Return sample ``index`` without the picture that the lens makes, and the scene to trace that from."""
        rng = np.random.Generator(np.random.PCG64([self.settings.seed, index]))
        scene = self._draw(rng)
        image, _, shares = pinhole(scene.layers, scene.height, scene.width)
        sample = {
            "image": _to_tensor(self._photographed(array_to_display(image), rng)),
            "disparity": torch.from_numpy(nearest_disparity(scene, shares))[None],
            "focus_disparity": torch.tensor(scene.focus_disparity, dtype=torch.float32),
            "blur_strength": torch.tensor(scene.blur_strength, dtype=torch.float32),
            "index": torch.tensor(index),
        }
        return sample, scene

    def _draw(self, rng: np.random.Generator) -> LayeredScene:
        """Draw layers and lens: the last of ATTEMPTS where none follows the habit, its background in focus."""
        habit, size = self.settings.habit, self.settings.size_px
        radius_px = size * (habit.radius[0] + (habit.radius[1] - habit.radius[0]) * rng.random())
        margin = math.ceil(radius_px / (1.0 - MAX_SLOPE)) + 4
        behind = rng.random() < habit.background
        for _ in range(ATTEMPTS):
            background = self._draw_background(margin, rng)
            layers = [
                self._draw_cutout(rng, background, small=behind, plane=self._plane(0.7 + 0.25 * rng.random(), rng))
            ]
            for number in range(0 if behind else int(DECOYS[rng.integers(len(DECOYS))])):
                far = 0.5 - 0.18 * number - 0.1 * rng.random()
                layers.append(self._draw_cutout(rng, background, small=True, plane=self._plane(far, rng)))
            plane = self._plane(0.05 + 0.07 * rng.random(), rng)
            layers.append(Layer(background, -margin, -margin, plane))
            share = pinhole(layers, size, size)[2][0]
            is_subject = habit.takes_as_subject(share)
            if is_subject != behind and float(share.mean()) > 0.01:
                break
        return self._focus(layers, 0 if is_subject else len(layers) - 1, radius_px)

    def _focus(self, layers: list[Layer], focus_on: int, radius_px: float) -> LayeredScene:
        size = self.settings.size_px
        _, disparity, shares = pinhole(layers, size, size)
        share = shares[focus_on]
        focus = float((share * disparity).sum() / share.sum())
        reach = max(float(disparity.max()) - focus, focus - float(disparity.min()))
        return LayeredScene(layers, size, size, focus, radius_px / max(reach, 0.02))

    def _plane(self, mean: float, rng: np.random.Generator) -> Plane:
        size = self.settings.size_px
        tilt = TILT * (2.0 * rng.random(2) - 1.0) / size
        return Plane.through(size / 2, size / 2, mean, float(tilt[0]), float(tilt[1]))

    def _draw_cutout(self, rng: np.random.Generator, background: Texture, small: bool, plane: Plane) -> Layer:
        size = self.settings.size_px
        side = size * (0.2 + 0.3 * rng.random() if small else 0.45 + 0.65 * rng.random())
        rgba = self._cutouts.draw(rng, side_px=max(8, round(side)))
        height, width = rgba.shape[:2]
        spread = 1.0 if small else 0.5
        top = round((size - height) / 2 + (rng.random() - (0.5 if small else 0.35)) * spread * size)
        left = round((size - width) / 2 + (rng.random() - 0.5) * spread * size)
        gain = 0.7 + 0.5 * rng.random(3) ** 0.5 * (0.9 + 0.2 * rng.random())
        if rng.random() < self.settings.harmonised:
            gain = gain * _gain_towards(rgba, background) ** (0.3 + 0.5 * rng.random())
        colour = np.minimum(rgba[..., :3] * gain.astype(np.float32), rgba[..., 3:])
        return Layer(np.concatenate([colour, rgba[..., 3:]], axis=2), top, left, plane)

    def _draw_background(self, margin: int, rng: np.random.Generator) -> Texture:
        night = rng.random() < self.settings.night
        colour = self._photographs.draw(rng, self.settings.size_px, margin)
        colour *= np.float32(NIGHT_EXPOSURE if night else min(0.5 + 0.7 * rng.random(), 1.0))
        for _ in range(int(rng.integers(8, 40)) if night else 0):
            add_light(colour, rng)
        return np.concatenate([colour, np.ones_like(colour[..., :1])], axis=2)

    def _photographed(self, image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """Return the composite (H,W,3) as a camera would have stored it: with noise, through JPEG."""
        noisy = image + (0.012 * rng.random() * rng.standard_normal(image.shape)).astype(np.float32)
        if rng.random() >= self.settings.compressed:
            return np.clip(noisy, 0.0, 1.0)
        content = io.BytesIO()
        pixels = np.round(np.clip(noisy, 0.0, 1.0) * 255.0).astype(np.uint8)
        Image.fromarray(pixels).save(content, "JPEG", quality=int(rng.integers(70, 96)))
        with Image.open(content) as stored:
            return np.asarray(stored, np.float32) / np.float32(255.0)


class SharpScenes(Dataset[Batch]):
    """The same scenes without a ``target``: drawn while a step is computed, since nothing is traced."""

    def __init__(self, settings: HabitSettings):
        self._scenes = HabitScenes(settings)

    def __getitem__(self, index: int) -> Batch:
        """Return sample ``index``, >= 0."""
        return self._scenes.draw_sharp(index)[0]


def nearest_disparity(scene: LayeredScene, shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the disparity (H,W) of the nearest layer by which over half of a pixel is covered; ``shares``: (L,H,W)."""
    x, y = np.meshgrid(np.arange(scene.width, dtype=np.float64), np.arange(scene.height, dtype=np.float64))
    disparities = np.stack([layer.plane.disparity(x, y) for layer in scene.layers])
    nearest = (shares.cumsum(axis=0) > 0.5).argmax(axis=0)
    return np.take_along_axis(disparities, nearest[None], axis=0)[0].astype(np.float32)


def _gain_towards(rgba: Texture, background: Texture) -> NDArray[np.float64]:
    """Return what brings a cut-out's mean colour to the photograph's, within a factor of two."""
    weight = max(float(rgba[..., 3].sum()), 1e-6)
    mean = rgba[..., :3].sum(axis=(0, 1)) / weight
    return np.clip(background[..., :3].mean(axis=(0, 1)) / np.maximum(mean, 1e-3), 0.5, 2.0)


def _to_tensor(picture: NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
