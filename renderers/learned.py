"""Renderers and stages that compute with trained weights: where these are, what a row says of them, how they load."""

import logging
from abc import abstractmethod
from typing import ClassVar, Generic, TypeVar

import torch
from torch import nn

from ..core.errors import BokehBenchError
from ..core.scene import Scene
from .component import Component
from .interface import Renderer
from .weights import WeightFiles, label_files, naming_training, training_summary

log = logging.getLogger(__name__)

Files = TypeVar("Files", bound=WeightFiles)


class LearnedComponent(Component, Generic[Files]):
    """A renderer or stage with a checkpoint. Sub-classes write ``find_weights`` and ``_load_networks``.

    ``checkpoint``: what follows ``@`` in a renderer's name, for instance a folder; None: the weights of that name.

    ``_load`` finds the weights (nothing large is imported where they are absent), calls ``_load_networks``, and warms
    up, so that no kernel is compiled in the first render that counts. Networks go to ``self.device`` and, as far as
    they can compute in it, ``self.dtype``; the picture is float32 again.
    """

    needs_weights: ClassVar[bool] = True

    def __init__(self, name: str | None = None, checkpoint: str | None = None):
        super().__init__(name)
        self.checkpoint = checkpoint
        self._label: str | None = None

    @abstractmethod
    def find_weights(self, *, download: bool) -> Files:
        """Find the files; ``download``: whether a hub may be asked for what is not at hand.

        Raises MissingWeightsError that says what to get and where to put it.
        """

    @abstractmethod
    def _load_networks(self, files: Files) -> None:
        """Load what is computed with, see ``freeze``, onto ``self.device`` in ``self.dtype``."""

    @abstractmethod
    def _warm_up(self) -> None:
        """Compute something tiny."""

    def label(self, files: Files) -> str:
        """Return what a row says of the weights; other weights must have another label."""
        return label_files(files)

    @property
    def weights(self) -> str | None:  # type: ignore[override]
        """Name and hash of the weights' files; None while they are not at hand.

        Known before anything is loaded, so that a plan of cases can tell retrained weights apart.
        """
        if self._label is None:
            try:
                self._label = self.label(self.find_weights(download=False))
            except BokehBenchError:  # ``prepare`` looks further and says what is missing or damaged
                return None
        return self._label

    @property
    def training(self) -> str | None:  # type: ignore[override]
        """What the weights' folder says of their training."""
        try:
            return training_summary(self.find_weights(download=False))
        except BokehBenchError as error:  # a sentence for the report costs no picture
            log.debug("%s: %s", self.name, error)
            return None

    def fetch(self) -> None:
        """Ask the hub for what is not at hand."""
        with naming_training(self.checkpoint):
            self.find_weights(download=True)

    def _load(self) -> None:
        with naming_training(self.checkpoint):
            files = self.find_weights(download=True)
        self._label = self.label(files)
        self._load_networks(files)
        self._warm_up()


class LearnedRenderer(LearnedComponent[Files], Renderer):
    """A renderer with a checkpoint; sub-classes write ``_render``, too."""

    warm_up_px = 32
    """Side of the tiny scene."""

    def _warm_up(self) -> None:
        side = self.warm_up_px
        disparity = torch.linspace(0.0, 1.0, side**2, device=self.device).reshape(1, side, side)
        scene = Scene(
            name="tiny",
            image=disparity.expand(3, -1, -1),
            disparity=disparity,
            focus_disparity=0.5,
            blur_strength=10.0,
            f_number=2.0,
            scale=self.capabilities.scale,
        )
        self._render(scene.given(self.capabilities.inputs), seed=0)


def freeze(network: nn.Module, channels_last: bool = False) -> None:
    """Make a network ready to render: no gradients, evaluation mode, optionally channels last in memory."""
    network.requires_grad_(False).eval()
    if channels_last:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
