"""The interface of renderers: Renderer, Capabilities; Scene is exported here, too."""

import logging
import math
from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from ..core.errors import InvalidOutputError, SkippedSceneError
from ..core.scene import GivenScene, Scene, find_range
from ..core.working_folder import keeping_folder
from .component import LENS_INPUTS, PICTURE_ONLY, Capabilities, Component

__all__ = ["LENS_INPUTS", "PICTURE_ONLY", "Capabilities", "Cost", "Renderer", "Scene"]

log = logging.getLogger(__name__)

OUTPUT_TOLERANCE = 1e-4
"""How far a renderer's rounding may leave [0,1] before the output counts as wrong."""


@dataclass(frozen=True)
class Cost:
    """What a render took in another process; ``peak_memory_mb``: MiB at the most, None where that is not known."""

    seconds: float
    peak_memory_mb: float | None


class Renderer(Component):
    """A bokeh renderer. Sub-classes set ``name`` and ``capabilities`` and write ``_render``, and ``_load`` if needed.

    The order of calls: ``fetch`` before cases are planned; ``skip`` for each scene; ``prepare``, which calls ``_load``,
    once before the first scene that is not skipped; then ``render`` for each scene, which is ``accept``,
    ``render_accepted`` and ``check``. Only ``render_accepted``, that is ``_render``, is ever timed. ``forget`` may come
    between any two renders.

    ``cost`` is what the last render took, where another process made it; None: whoever calls holds the clock.
    """

    cost: Cost | None = None

    def skip(self, scene: Scene) -> str | None:
        """Return why this renderer cannot do ``scene``, as ``Component.skip``; another scale is a reason, too."""
        reason = super().skip(scene)
        if reason is None and scene.scale != self.capabilities.scale:
            return f"renders at {self.capabilities.scale}x the input's size, the scene asks for {scene.scale}x"
        return reason

    def render(self, scene: Scene, seed: int = 0) -> Tensor:
        """Return the picture a lens would take: (3,H,W) float32, display-encoded, [0,1], on the renderer's device.

        H and W are the scene's, times ``scale`` both. Calls ``prepare()`` with its defaults where needed. The same
        scene and seed give the same bits on one machine where ``capabilities.deterministic``. Raises SkippedSceneError
        for a scene that ``skip`` refuses, InvalidOutputError if the result is not what is promised here.
        """
        with keeping_folder():
            given = self.accept(scene)
            return self.check(self.render_accepted(given, seed), given)

    def accept(self, scene: Scene) -> GivenScene:
        """Return what the renderer sees of a scene: a copy of its ``inputs``, on its device, clipped without ``hdr``.

        Calls ``prepare()`` if that was not done. Raises SkippedSceneError where ``skip`` has a reason.
        """
        if not self._prepared:
            self.prepare()
        reason = self.skip(scene)
        if not isinstance(reason, str | None):
            raise TypeError(f"{self.name}: skip: expected a text or None, got {reason!r:.60}")
        if reason is not None:
            raise SkippedSceneError(f"{self.name} on '{scene.name}': {reason}", reason)
        given = scene.given(self.capabilities.inputs)
        if not self.capabilities.hdr and float(scene.image.max()) > 1.0:
            log.warning("%s does not take values above 1: the highlights of '%s' are clipped", self.name, scene.name)
            given = given.with_image(scene.image.clamp(max=1.0))
        return given.to(self.device, copy=True)

    def render_accepted(self, scene: GivenScene, seed: int = 0) -> Tensor:
        """Return the picture of a scene that ``accept`` returned, unchecked: what a clock is held to."""
        return self._render(scene, seed)

    def check(self, output: Tensor, scene: Scene) -> Tensor:
        """Return the render of ``scene`` as float32, its rounding clipped to [0,1].

        Raises InvalidOutputError for another shape or type, for values that are not finite, or that leave [0,1].
        """
        try:
            return _checked_output(output, scene)
        except InvalidOutputError as error:
            raise InvalidOutputError(f"{self.name} on '{scene.name}': {error.reason}", error.reason) from None

    def guess_radius_px(self, image: Tensor) -> Tensor | None:
        """Return the radii, px, (1,H,W), that a renderer which is given the picture alone (3,H,W) blurs it by.

        The report compares them with the truth. ``prepare`` comes first. None: it is given the lens, or cannot say.
        """
        return None

    @abstractmethod
    def _render(self, scene: Scene, seed: int) -> Tensor:
        """Render a validated scene whose tensors are on ``self.device``; return (3,scale*H,scale*W) in [0,1].

        The scene holds what ``capabilities.inputs`` names; reading anything else raises WithheldInputError. It is
        shared with repeats of the same render: do not change its tensors in place.
        """


def _checked_output(output: Tensor, scene: Scene) -> Tensor:
    if not (isinstance(output, Tensor) and output.is_floating_point()):
        got = output.dtype if isinstance(output, Tensor) else type(output).__name__
        raise InvalidOutputError(f"expected a tensor of floats in [0, 1], got {got}")
    if tuple(output.shape) != scene.render_shape:
        raise InvalidOutputError(f"expected {scene.render_shape}, got {tuple(output.shape)}")
    output = output.detach().to(torch.float32)
    low, high = find_range(output)
    if not (math.isfinite(low) and math.isfinite(high)):
        where = (~torch.isfinite(output)).nonzero()
        _, row, column = map(int, where[0])
        raise InvalidOutputError(
            f"{len(where)} values of {output.numel()} are NaN or infinite, the first at column {column}, row {row}"
        )
    if low < -OUTPUT_TOLERANCE or high > 1.0 + OUTPUT_TOLERANCE:
        raise InvalidOutputError(f"the output spans [{low:g}, {high:g}], expected [0, 1]")
    return output.clamp(0.0, 1.0)
