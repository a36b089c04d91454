"""Averages of weights over training, which validate and ship better than the last step's."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn


class AveragedWeights:
    """Exponential averages of ``parameters``; the parameters hold them inside a ``with`` block.

    ``decay``: of the averages, which it approaches over the first steps; 0 averages nothing.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float):
        self._parameters = parameters
        self._ema: Any = None
        if decay:
            from ...core.diffusers import EMAModel  # here: an engine that averages nothing starts without diffusers

            self._ema = EMAModel(parameters, decay=decay)

    def step(self) -> None:
        """Take the parameters as an update left them into the averages."""
        if self._ema is not None:
            self._ema.step(self._parameters)

    def __enter__(self) -> None:
        if self._ema is not None:
            self._ema.store(self._parameters)
            self._ema.copy_to(self._parameters)

    def __exit__(self, *_: object) -> None:
        if self._ema is not None:
            self._ema.restore(self._parameters)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""
        return {} if self._ema is None else self._ema.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        if self._ema is not None:
            self._ema.load_state_dict(dict(state))
            self._ema.to(self._parameters[0].device)
