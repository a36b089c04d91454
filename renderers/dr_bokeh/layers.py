"""The two layers that light is gathered from: foreground with coverage, and an opaque background behind it.

They are made of the surfaces of ``classical-occlusion``, where the authors have networks and inpainting: a pixel is
foreground where something is known to lie behind it, and the background continues there.
"""

import dataclasses
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...core.optics import signed_defocus
from ..classical.cpu.background import complete_background
from ..classical.cpu.edges import split_edges
from ..classical.cpu.flood import REACH_PX
from ..classical.surfaces import NOTHING, FloatArray, Surfaces, edge_jump

FLOOD_ENDS_PX = REACH_PX - 8
"""What lies farther from every edge may be foreground behind which nothing was looked for."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Tensors of one type on one device: what a lens sees of one layer, whatever its focus and aperture.

    - ``colour``: (3,H,W), linear light, [0,inf); anything where ``alpha`` is 0.
    - ``alpha``: (H,W), coverage in [0,1].
    - ``disparity``: (H,W), also where ``alpha`` is 0: that of the nearest pixel where it is not.
    """

    colour: Tensor
    alpha: Tensor
    disparity: Tensor

    def to(self, target: torch.device | torch.dtype) -> Self:
        """Return the layer on another device, or in another type."""
        return type(self)(*(getattr(self, field.name).to(target) for field in dataclasses.fields(self)))


@dataclass(frozen=True, eq=False)
class LensLayer(Layer):
    """A layer in front of a lens.

    - ``disparity``: mapped to [0,1] over the range of the scene's: steps of it decide what hides what.
    - ``defocus_px``: (H,W), the radius of the circle of confusion, >= 0.
    """

    defocus_px: Tensor

    @classmethod
    def focus(
        cls, layer: Layer, bounds: tuple[float, float], focus_disparity: float, blur_strength: float
    ) -> "LensLayer":
        """Put a layer in front of a lens; ``bounds``: the least and the largest disparity of the scene."""
        low, high = bounds
        span = high - low if high > low else 1.0
        defocus_px = signed_defocus(layer.disparity, focus_disparity, blur_strength).abs()
        return cls(layer.colour, layer.alpha, (layer.disparity - low) / span, defocus_px)


def split_layers(linear: Tensor, disparity: Tensor) -> tuple[Layer, Layer]:
    """Return foreground and background of a picture (3,H,W), linear, with disparity (H,W); on the CPU, float32."""
    picture = np.ascontiguousarray(linear.permute(1, 2, 0).cpu().numpy())
    depths = np.array(disparity.cpu().numpy(), order="C")
    surfaces = complete_background(split_edges(picture, depths, edge_jump(depths)))
    hides = surfaces.back_disparity > NOTHING
    alpha = np.where(hides, surfaces.front[:, :, 3], np.float32(0))
    alpha[_find_interior(surfaces, hides)] = 1.0
    near = _continue(surfaces.front_disparity, alpha > 0)
    far = np.where(hides, surfaces.back_disparity, surfaces.front_disparity)
    behind = np.where(hides[:, :, None], surfaces.back, surfaces.front[:, :, :3])
    return _make_layer(surfaces.front[:, :, :3], alpha, near), _make_layer(behind, np.ones_like(alpha), far)


def _find_interior(surfaces: Surfaces, hides: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (H,W) bool: the inner part of large foregrounds, which lies farther from every edge than seeds are handed.

    These are the connected parts, of what hides nothing, that no edge is near to.
    """
    if hides.all() or not hides.any():
        return np.zeros_like(hides)
    far = cv2.distanceTransform((~surfaces.edges).astype(np.uint8), cv2.DIST_L2, 5) > FLOOD_ENDS_PX
    count, parts = cv2.connectedComponents((~hides).astype(np.uint8), connectivity=4)
    reached = np.bincount(parts.ravel(), ~far.ravel(), minlength=count) > 0
    reached[0] = True  # what hides something
    return ~reached[parts]


def _continue(disparity: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Return the disparity (H,W) with that of the nearest known pixel where it is not ``known`` (H,W)."""
    if known.all() or not known.any():
        return disparity
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(labels.max() + 1, np.float32)
    of_label[labels[known]] = disparity[known]
    return of_label[labels]


def _make_layer(colour: FloatArray, alpha: FloatArray, disparity: FloatArray) -> Layer:
    planes = np.ascontiguousarray(colour.transpose(2, 0, 1))
    return Layer(torch.from_numpy(planes), torch.from_numpy(alpha), torch.from_numpy(disparity))
