"""What is asked of a photograph, whoever asks, and the scene that it becomes."""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch

from ..core.errors import InvalidOptionError
from ..core.optics import GAMMA
from ..core.scene import Scene
from ..datasets.files.pictures import as_tensor
from ..renderers.classical.aperture import Aperture
from ..renderers.interface import Renderer
from ..renderers.registry import find_renderer, load_renderer
from .depth import DepthMap
from .lens import Lens, find_focus, find_strength
from .reading import Photograph

SHAPED = "classical"
"""The renderer that knows other openings than the round one, and recovers highlights."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How what is out of focus looks: ``aperture``; ``highlights``: how many times brighter than white white was."""

    aperture: Aperture = field(default_factory=Aperture)
    highlights: float = 1.0

    @property
    def is_plain(self) -> bool:
        """Whether every renderer can do it."""
        return self.aperture.is_round and self.highlights == 1.0


@dataclass(frozen=True, eq=False)
class Aimed:
    """A scene, and what it was focused on, in words."""

    scene: Scene
    subject: str

    @property
    def largest_radius_px(self) -> float:
        """The largest blur radius in the picture."""
        return float(self.scene.defocus.abs().max())


def aim(photograph: Photograph, depth_map: DepthMap, lens: Lens, gamma: float = GAMMA) -> Aimed:
    """Focus a photograph. Raises InvalidOptionError as ``lens`` does, InvalidSceneError for impossible values."""
    focus, subject = find_focus(lens, depth_map)
    scene = Scene(
        name=photograph.name,
        image=as_tensor(photograph.pixels),
        disparity=torch.from_numpy(np.ascontiguousarray(depth_map.disparity))[None],
        focus_disparity=focus,
        blur_strength=find_strength(lens, depth_map, focus, photograph.camera),
        gamma=gamma,
        f_number=lens.f_number,
        is_metric=depth_map.is_metric,
    )
    return Aimed(scene, subject)


def make_renderer(name: str, look: Look) -> Renderer:
    """Create a renderer by name. Raises InvalidOptionError where it cannot do the look, and as ``load_renderer``."""
    if look.is_plain:
        return load_renderer(name)
    if name != SHAPED:
        raise InvalidOptionError(
            f"{name}: --aperture, --cat-eye and --highlights are options of {SHAPED}: use --renderer {SHAPED}"
        )
    return find_renderer(name).create(name=name, aperture=look.aperture, highlights=look.highlights)


def choose_device(wanted: str | None, renderer: Renderer, look: Look) -> str:
    """Return ``wanted``, else cuda where there is one, the renderer runs there, and has a kernel there for the look.

    Where that is not so, it is the first device that the renderer runs on: cuda for another repository's that needs it.
    """
    supported = renderer.capabilities.devices
    has_cuda = "cuda" in supported and look.aperture.is_round
    return wanted or ("cuda" if has_cuda and torch.cuda.is_available() else supported[0])


def shrink(scene: Scene, longest_px: int) -> Scene:
    """Return a scene whose longer side is at most ``longest_px``, blurred by as much in its proportion."""
    factor = longest_px / max(scene.height, scene.width)
    if factor >= 1.0:
        return scene
    size = (max(1, round(scene.width * factor)), max(1, round(scene.height * factor)))
    pixels = scene.image.permute(1, 2, 0).contiguous().numpy()
    disparity = cv2.resize(scene.disparity[0].numpy(), size, interpolation=cv2.INTER_NEAREST)  # no mixtures at edges
    return replace(
        scene,
        image=as_tensor(np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.float32)),
        disparity=torch.from_numpy(disparity)[None],
        blur_strength=scene.blur_strength * factor,
    )


def packaged() -> tuple[Photograph, DepthMap]:
    """Return the photograph with measured disparity that comes with the installed packages."""
    from ..datasets.motorcycle import FOCUS, Motorcycle

    scene = Motorcycle().load(next(iter(FOCUS)))
    pixels = np.ascontiguousarray(scene.image.permute(1, 2, 0).numpy())
    return Photograph(name="example", pixels=pixels), DepthMap(scene.disparity[0].numpy(), False, "its measurement")
