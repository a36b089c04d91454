"""A renderer with a stage before or behind it, which is a renderer again."""

from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import TypeVar

import torch
from torch import Tensor

from ...core.errors import InvalidOptionError
from ...core.scene import GivenScene, Scene
from ...core.timing import stage as timed
from ..component import PICTURE_ONLY, Capabilities, Component
from ..interface import Cost, Renderer
from .interface import PictureStage, SceneStage

T = TypeVar("T")


class ComposedRenderer(Renderer):
    """Renders with ``renderer`` what ``stage`` made of the scene, or hands its picture on to ``stage``.

    It needs what both need and runs where both run; time, memory, weights, code and back end are those of both.
    Raises InvalidOptionError for a stage that changes nothing of what the renderer reads.
    """

    def __init__(self, name: str, renderer: Renderer, stage: SceneStage | PictureStage):
        super().__init__(name)
        if isinstance(stage, SceneStage) and not stage.changes & renderer.capabilities.inputs:
            changed = " and ".join(sorted(stage.changes))
            raise InvalidOptionError(
                f"'{name}': {stage.name} changes the {changed}, which {renderer.name} does not read: leave it out"
            )
        self.renderer, self.stage = renderer, stage
        mine, its = renderer.capabilities, stage.capabilities
        self.capabilities = Capabilities(  # type: ignore[misc]
            inputs=mine.inputs | its.inputs,
            scale=mine.scale * its.scale,
            devices=tuple(device for device in mine.devices if device in its.devices),
            deterministic=mine.deterministic and its.deterministic,
            hdr=mine.hdr and its.hdr,
        )
        self.seconds_per_megapixel = renderer.seconds_per_megapixel + stage.seconds_per_megapixel  # type: ignore[misc]
        self.needs_weights = renderer.needs_weights or stage.needs_weights  # type: ignore[misc]

    @property
    def components(self) -> tuple[Component, ...]:
        """Both, taken apart where they are composed themselves."""
        return (*self.renderer.components, *self.stage.components)

    @property
    def weights(self) -> str | None:  # type: ignore[override]
        """The weights of both, the stage's by its name."""
        return self._join("weights")

    @property
    def training(self) -> str | None:  # type: ignore[override]
        """How the weights of both were trained."""
        return self._join("training")

    @property
    def backend(self) -> str | None:  # type: ignore[override]
        """What both compute with."""
        return self._join("backend")

    def fetch(self) -> None:
        """Download the weights of both that are not at hand."""
        self.renderer.fetch()
        self.stage.fetch()

    def compile_kernels(self) -> None:
        """Compile those of both."""
        for component in self.components:
            component.compile_kernels()

    def skip(self, scene: Scene) -> str | None:
        """Return what either has against ``scene``."""
        return super().skip(scene) or self.stage.skip(scene) or self.renderer.skip(self._given_inside(scene))

    def accept(self, scene: Scene) -> GivenScene:
        """Do what every renderer does, and let the renderer inside get ready for this scene."""
        given = super().accept(scene)
        self.renderer.accept(self._given_inside(given))
        return given

    def foreign_code(self) -> dict[str, str]:
        """Return that of both."""
        return self.renderer.foreign_code() | {
            f"{self.stage.name}: {name}": code for name, code in self.stage.foreign_code().items()
        }

    def forget(self) -> None:
        """Let both forget."""
        self.renderer.forget()
        self.stage.forget()

    def guess_radius_px(self, image: Tensor) -> Tensor | None:
        """Return what the renderer inside says of the picture that it is given.

        None where that is made of more than the picture, or has another size.
        """
        stage = self.stage
        if isinstance(stage, SceneStage) and "picture" in stage.changes:
            if stage.capabilities.inputs != PICTURE_ONLY or stage.capabilities.scale != 1:
                return None
            nothing = torch.zeros_like(image[:1])
            scene = Scene(name="", image=image, disparity=nothing, focus_disparity=0.0, blur_strength=0.0)
            image = stage.change_scene(scene.given(PICTURE_ONLY), seed=0).image
        return self.renderer.guess_radius_px(image)

    def _take_device(self, device: torch.device) -> torch.device:
        self._asked = device  # an outside renderer's tensors lie elsewhere than its network: see ``_load``
        return super()._take_device(device)

    def _load(self) -> None:
        self.stage.prepare(self._asked, self.dtype)
        self.renderer.prepare(self._asked, self.dtype)
        if self.renderer.device != self.device:
            self.device = self.renderer.device
            self.stage.prepare(self.device, self.dtype)

    def _render(self, scene: Scene, seed: int) -> Tensor:
        assert isinstance(scene, GivenScene)  # noqa: S101
        stage, inside = self.stage, partial(self.renderer.render_accepted, seed=seed)
        if isinstance(stage, SceneStage):
            changed, seconds = _clocked(stage.name, partial(stage.change_scene, scene, seed))
            picture = inside(self._given_inside(changed))
        else:
            made = inside(self._given_inside(scene))
            read = scene.given(stage.capabilities.inputs)
            picture, seconds = _clocked(stage.name, partial(stage.change_picture, made, read, seed))
        cost = self.renderer.cost  # of another process, which does not know of the stage
        self.cost = None if cost is None else Cost(cost.seconds + seconds, cost.peak_memory_mb)
        return picture

    def _given_inside(self, scene: Scene) -> GivenScene:
        """Return a scene as the renderer inside is given it."""
        return scene.given(self.renderer.capabilities.inputs & scene.inputs).with_scale(
            self.renderer.capabilities.scale
        )

    def _join(self, what: str) -> str | None:
        """Join what the two say of themselves."""
        mine, its = getattr(self.renderer, what), getattr(self.stage, what)
        return "; ".join(filter(None, (mine, its and f"{self.stage.name}: {its}"))) or None


def _clocked(name: str, work: Callable[[], T]) -> tuple[T, float]:
    """Return what a stage made and its seconds; it is a step of the render."""
    begin = perf_counter()
    with timed(name):
        result = work()
    return result, perf_counter() - begin
