"""Renderers whose pictures come from trained weights: where these are, what a row says of them, how they are loaded."""

import logging
from abc import abstractmethod
from typing import Generic, TypeVar

import torch
from torch import nn

from ..core.errors import BokehBenchError
from ..core.scene import Scene
from .interface import Renderer
from .weights import WeightFiles, label_files, training_summary

log = logging.getLogger(__name__)

Files = TypeVar("Files", bound=WeightFiles)


class LearnedRenderer(Renderer, Generic[Files]):
    """A renderer with a checkpoint. Sub-classes write ``find_weights``, ``_load_networks`` and ``_render``.

    ``checkpoint``: what follows ``@`` in a renderer's name, for instance a folder; None: the weights of that name.

    ``_load`` finds the weights (nothing large is imported where they are absent), calls ``_load_networks``, and renders
    a tiny scene, so that no kernel is compiled in the first render that counts. Networks go to ``self.device`` and, as
    far as they can compute in it, ``self.dtype``; the picture is float32 again.
    """

    warm_up_px = 32
    """Side of the tiny scene."""

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
        """Load what ``_render`` needs, see ``freeze``, onto ``self.device`` in ``self.dtype``."""

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
        self.find_weights(download=True)

    def _load(self) -> None:
        files = self.find_weights(download=True)
        self._label = self.label(files)
        self._load_networks(files)
        self._warm_up()

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
