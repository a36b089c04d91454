"""AdamW with Muon for matrices: steps in orthogonal directions, which small networks learn from in far fewer steps.

Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024), with its quintic Newton-Schulz
iteration; step sizes made comparable with AdamW's as in Liu et al., "Muon is Scalable for LLM Training" (arXiv
2502.16982, Eq. 4). torch.optim.Muon takes no convolutions. timm's takes them as the same matrices, with the same step
sizes, but it iterates in bfloat16, as torch's does, with no way to choose. CPUs without its instructions emulate it:
5.6 s a step for the compact U-Net on such a CPU, 0.19 s here, in the parameters' own precision.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic; five iterations bring singular values between 0.01 and 1 to between 0.7 and 1.2."""

ITERATIONS = 5
ADAMW_RMS = 0.2
"""Root mean square of AdamW's usual update, in learning rates."""


class MuonAdamW(torch.optim.AdamW):
    """AdamW, but Muon for parameters of two axes and more, each as a matrix of its first axis by all others.

    ``groups``: as AdamW's, each with ``muon``: False keeps all of it with AdamW, for layers that start at zero and make
    pictures. ``momentum``: Muon's, with Nesterov's look ahead. Learning rates and weight decay are AdamW's for both.
    Several processes stay together only on machines of one kind: small directions are amplified, rounding with them.
    """

    def __init__(self, groups: Iterable[Mapping[str, Any]], momentum: float = 0.95, **adamw: Any):
        split = []
        for group in groups:
            matrices = [p for p in group["params"] if p.ndim >= 2 and group["muon"]]
            others = [p for p in group["params"] if p.ndim < 2 or not group["muon"]]
            split += [
                {**group, "params": params, "muon": muon}
                for params, muon in ((matrices, True), (others, False))
                if params
            ]
        super().__init__(split, **adamw)
        self._momentum = momentum

    @torch.no_grad()
    def step(self, _closure: None = None) -> None:  # type: ignore[override]
        """Do one update of every parameter that has a gradient; accelerate hands on a closure, which is None."""
        gradients = []
        for group in self.param_groups:
            for parameter in group["params"] if group["muon"] else ():
                gradients.append((parameter, parameter.grad))
                if parameter.grad is not None:
                    self._step_matrix(parameter, parameter.grad, group["lr"], group["weight_decay"])
                parameter.grad = None  # AdamW leaves out what has none
        super().step()
        for parameter, gradient in gradients:
            parameter.grad = gradient

    def _step_matrix(self, parameter: Tensor, gradient: Tensor, rate: float, decay: float) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())  # AdamW looks for one in every state that it loads
            state["momentum"] = torch.zeros_like(parameter)
        state["step"] += 1
        average = state["momentum"].lerp_(gradient, 1.0 - self._momentum)
        ahead = gradient.lerp(average, self._momentum).flatten(1)
        parameter.mul_(1.0 - rate * decay)
        size = rate * ADAMW_RMS * max(ahead.shape) ** 0.5
        parameter.add_(orthogonalise(ahead).view_as(parameter), alpha=-size)


def orthogonalise(matrix: Tensor) -> Tensor:
    """Bring all singular values of a matrix (M,N) near 1, by ITERATIONS of X <- a X + b (X X^T) X + c (X X^T)^2 X.

    Each multiplies X by a polynomial of X X^T, so the product is collected on the smaller side, and X itself, which for
    a convolution is many times as long, enters twice only.
    """
    a, b, c = NEWTON_SCHULZ
    X = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    X = X / X.norm().clamp(min=1e-7)
    gram = X @ X.T
    product = torch.eye(len(gram), dtype=X.dtype, device=X.device)
    for _ in range(ITERATIONS):
        factor = b * gram + c * gram @ gram
        factor.diagonal().add_(a)
        product = factor @ product
        gram = factor @ gram @ factor  # of what X has become: all of these are polynomials of one matrix
    X = product @ X
    return X if matrix.shape[0] <= matrix.shape[1] else X.T
