"""The layers of the weighted layered rendering: radii, kernels, masks, order, and which layer a radius belongs to.

Normalised defocus D is 0 in focus and 1 at the largest blur; layer i of n lies at i s, s = 1 / (n - 1). Radii are in px
of the picture that is rendered.

Source: Defocus to Focus (Luo et al., Information Fusion 2023), in the form of the authors' published program, which
neither knows near from far nor any number of layers but 15.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...core.checks import check, check_choice

RADII_PX = (1, 2, 3, 5, 7, 9, 11, 13, 16, 19, 22, 26, 30, 34)
"""Of the published layers 1 to 14; layer 0 is not blurred."""

KERNELS, ORDERS = ("soft", "hard"), ("blur", "signed")
NARROW_AREA_PX = 2.0
"""A kernel's energy is that of a disc of radius sqrt(r^2 + 2), see ``soft_disc``."""

HARDNESS = 100.0

BOTH, FAR, NEAR = 0, -1, 1
"""Which side of the plane in focus a layer shows."""


@dataclass(frozen=True)
class Layer:
    """One layer: its place in the table of radii, and the side that it shows."""

    index: int
    side: int = BOTH


@dataclass(frozen=True, kw_only=True)
class Layering:
    """How a picture is cut into layers.

    - ``count``: of layers, 15 in the paper; others spread the same radii.
    - ``scale``: the published discs, sampled at other distances: factor on their radii, for pictures of another size
      than those that they were chosen for.
    - ``kernel``: ``soft``, the paper's disc, or ``hard``, one with a sharp edge and the same energy.
    - ``order``: ``blur`` paints from the most blurred to the sharpest layer, whatever lies in front; ``signed`` paints
      far layers so, then what is in focus, then near layers from the sharpest to the most blurred.
    - ``hardness``: of the masks' edges; 100 in the published program.
    """

    count: int = 15
    scale: float = 1.0
    kernel: str = "soft"
    order: str = "blur"
    hardness: float = HARDNESS

    def __post_init__(self) -> None:
        check("count", self.count, 3 <= self.count <= 256, "3 to 256 layers")
        check("scale", self.scale, 0.0 < self.scale < math.inf, "a positive number")
        check_choice("kernel", self.kernel, KERNELS)
        check_choice("order", self.order, ORDERS)
        check("hardness", self.hardness, 0.0 < self.hardness < math.inf, "a positive number")

    @cached_property
    def radii(self) -> tuple[float, ...]:
        """The kernels' radii before ``scale``, 0 for layer 0; of 15 layers the published ones."""
        places = 1.0 + (len(RADII_PX) - 1) * np.arange(self.count - 1) / (self.count - 2)
        return (0.0, *map(float, np.interp(places, np.arange(1, len(RADII_PX) + 1), RADII_PX)))

    @cached_property
    def blur_px(self) -> tuple[float, ...]:
        """The radii, px, of hard discs of the kernels' energy."""
        return (0.0, *(self.scale * math.sqrt(radius**2 + NARROW_AREA_PX) for radius in self.radii[1:]))

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in the order in which they are painted."""
        blurred = range(1, self.count)
        if self.order == "blur":
            return tuple(Layer(index) for index in [*reversed(blurred), 0])
        far, near = [Layer(i, FAR) for i in reversed(blurred)], [Layer(i, NEAR) for i in blurred]
        return (*far, Layer(0), *near)

    def window(self, index: int) -> tuple[float, float]:
        """Return the middle of the defocus at which a layer's mask is open, and half of that range.

        In the published order ranges overlap, and the sharper layer is painted last: between i s and (i + 1) s layer i
        is seen. With near layers painted the other way round they must not, so each ends where the next begins.
        """
        step = 1.0 / (self.count - 1)
        if self.order == "blur" or index == 0:
            return index * step, step
        return (index + 0.5) * step, step / 2.0

    @property
    def most(self) -> float:
        """The largest defocus, a little over 1: at 1 itself the published masks show the last two layers."""
        return (self.count - 0.5) / (self.count - 1)

    def scaled_to(self, largest_px: float) -> "Layering":
        """Return the same layers with the published radii scaled so that the last one blurs by ``largest_px``, > 0."""
        return replace(self, scale=self.scale * largest_px / self.blur_px[-1])

    def kernel_of(self, index: int) -> NDArray[np.float32]:
        """Return the kernel of a layer, (k,k), k odd, sum 1."""
        return disc(self.radii[index], self.scale, self.kernel)

    def mask(self, layer: Layer, defocus: Tensor) -> Tensor:
        """Return where a layer shows: (B,1,H,W) in [0,1], of ``defocus`` up to ``most``, negative where it is far.

        m = (1 + tanh(a (s - |D - i s|))) / 2 for the published order.
        """
        middle, half = self.window(layer.index)
        mask = torch.sigmoid(2.0 * self.hardness * (half - (defocus.abs() - middle).abs()))
        return mask if layer.side == BOTH else mask * (defocus.sign() * layer.side > 0.0)

    def defocus_of(self, radius_px: Tensor) -> Tensor:
        """Return the normalised defocus whose layer blurs most nearly by |radius|, with the sign of ``radius_px``.

        Layer i is given the middle of the defocus for which it is seen, (i + 1/2) s, and 0 belongs to the first. Radii
        beyond the last layer's are cut to it: see ``most``.
        """
        table = torch.tensor(self.blur_px, dtype=radius_px.dtype, device=radius_px.device)
        middles = (table[1:] + table[:-1]) / 2.0
        index = torch.bucketize(radius_px.abs(), middles).to(radius_px.dtype)
        defocus = torch.where(index == 0, torch.zeros_like(index), (index + 0.5) / (self.count - 1))
        return defocus * radius_px.sign()

    def radius_of(self, defocus: Tensor) -> Tensor:
        """Return the radius, px, that ``defocus`` stands for: between the layers' in proportion."""
        table = torch.tensor(self.blur_px, dtype=defocus.dtype, device=defocus.device)
        place = defocus.abs() * (self.count - 1) - 0.5
        last = self.count - 2.0  # beyond its middle the last layer takes half of the range
        place = torch.where(place > last, last + 2.0 * (place - last), place).clamp(0.0, self.count - 1.0)
        lower = place.floor().long().clamp(max=self.count - 2)
        return torch.lerp(table[lower], table[lower + 1], place - lower)


@lru_cache(maxsize=512)
def disc(radius: float, scale: float, kind: str) -> NDArray[np.float32]:
    """Return a disc (k,k), k odd, sum 1, of ``radius`` x ``scale`` px, not to be changed; radius 0: a single 1."""
    if radius == 0.0:
        return np.ones((1, 1), np.float32)
    reach = math.ceil(scale * radius)
    steps = np.arange(-reach, reach + 1, dtype=np.float64) / scale
    squared = steps[:, None] ** 2 + steps[None, :] ** 2
    weights = soft_disc(squared, radius) if kind == "soft" else squared <= radius**2 + NARROW_AREA_PX
    return (weights / weights.sum()).astype(np.float32)


def soft_disc(squared: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Return the published disc's weights, (0,1), not normalised, of squared distances from its middle.

    k = (1 + tanh((r^2 - q) / 4 + 1/2)) / 2, half its height at q = r^2 + 2.
    """
    return 0.5 + 0.5 * np.tanh((radius**2 - squared) / 4.0 + 0.5)
