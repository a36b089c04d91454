"""Renderers and metrics as a run takes them: what is wrong with one costs its own cases or scores, nobody else's."""

import logging
from pathlib import Path

import torch
from torch import Tensor

from ...core.errors import InvalidOptionError, UnknownNameError
from ...core.scene import Scene
from ...core.torch_state import keeping_torch_state
from ...core.working_folder import keeping_folder
from ...renderers import registry
from ...renderers.interface import Capabilities, Renderer
from ..metrics import registry as metric_registry
from ..metrics.interface import Metric

log = logging.getLogger(__name__)


class UnusableRenderer(Renderer):
    """Stands in for a renderer that cannot be created or labelled: its cases fail with the ``error``."""

    capabilities = Capabilities()

    def __init__(self, name: str, error: BaseException):
        super().__init__(name)
        self.error = error

    def _load(self) -> None:
        raise self.error

    def _render(self, scene: Scene, seed: int) -> Tensor:
        raise self.error


class UnusableMetric(Metric):
    """Stands in for a metric that cannot be created: it is unavailable, and the report says why."""

    higher_is_better = True
    description = "not available"

    def __init__(self, name: str, error: BaseException):
        self.name = name
        self.error = error

    def prepare(self, device: str | torch.device = "cpu", weights: Path | None = None) -> None:
        """Raise the error."""
        raise self.error

    def score(self, prediction: Tensor, scene: Scene) -> float | None:
        """Raise the error."""
        raise self.error


def load_metric(name: str) -> Metric:
    """Create a metric, or what stands in for it. Raises UnknownNameError for a mistyped name."""
    try:
        metric = metric_registry.load_metric(name)
        if not isinstance(metric, Metric):
            raise TypeError(f"metric '{name}': expected a Metric, got {type(metric).__name__}")
        for field, kind in (("unit", str), ("description", str), ("higher_is_better", bool)):
            if not isinstance(value := getattr(metric, field, None), kind):
                raise TypeError(f"metric '{name}': {field}: expected {kind.__name__}, got {value!r:.60}")
        metric.name = name  # under which rows keep its scores: an entry point may call it otherwise than its class
    except UnknownNameError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plug-in's import may raise anything
        return UnusableMetric(name, error)
    return metric


def load_renderer(name: str) -> Renderer:
    """Create a renderer, or what stands in for it.

    Raises UnknownNameError and InvalidOptionError for a mistyped name, as ``registry.load_renderer``.
    """
    entry = registry.find_renderer(name)
    try:
        with keeping_torch_state():
            entry.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plug-in's import may raise anything
        return UnusableRenderer(name, error)
    try:
        renderer = registry.load_renderer(name)
        if not isinstance(renderer, Renderer) or not isinstance(getattr(renderer, "capabilities", None), Capabilities):
            raise TypeError(f"{entry.target}: expected a Renderer with Capabilities, got {type(renderer).__name__}")
    except InvalidOptionError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001
        return UnusableRenderer(name, error)
    return renderer


def complete(name: str, renderer: Renderer) -> Renderer:
    """Fetch the weights that a case's key names. Returns the renderer, or what stands in where they have no label.

    Weights that cannot be had are met again when the renderer is prepared: its cases then say the reason.
    """
    try:
        with keeping_folder():
            renderer.fetch()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - see above
        log.debug("%s: %s", name, error)
    try:
        for label in (renderer.weights, renderer.training):
            if not isinstance(label, str | None):
                raise TypeError(f"{name}: weights and training: expected a text or None, got {label!r:.60}")
        code = renderer.foreign_code()
        if not (isinstance(code, dict) and all(isinstance(text, str) for pair in code.items() for text in pair)):
            raise TypeError(f"{name}: foreign_code: expected texts by name, got {code!r:.60}")
    except (Exception, SystemExit) as error:  # noqa: BLE001
        return UnusableRenderer(name, error)
    return renderer
