"""The two layers that light is gathered from: foreground with coverage, and an opaque background behind it.

They are made of the surfaces of ``classical-occlusion``, where the authors have networks and inpainting: a pixel is
foreground where something is known to lie behind it, and the background continues there.
"""

import dataclasses
import math
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
from ..classical.surfaces import NOTHING, FloatArray, edge_jump

SEAM_RADII = 1.5
"""The background's discs reach one radius far, the square that the foreground's opacity is a mean of half of one."""


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


def split_layers(linear: Tensor, disparity: Tensor, largest_px: float) -> tuple[Layer, Layer]:
    """Return foreground and background of a picture (3,H,W), linear, with disparity (H,W); on the CPU, float32.

    ``largest_px``: the largest radius at which they will be seen.
    """
    picture = np.ascontiguousarray(linear.permute(1, 2, 0).cpu().numpy())
    depths = np.array(disparity.cpu().numpy(), order="C")
    surfaces = complete_background(split_edges(picture, depths, edge_jump(depths)))
    hides = surfaces.back_disparity > NOTHING
    alpha = np.where(hides, surfaces.front[:, :, 3], np.float32(0))
    alpha[_grow(hides, surfaces.edges, math.ceil(SEAM_RADII * largest_px)) & ~hides] = 1
    near = _continue(surfaces.front_disparity, alpha > 0)
    far = np.where(hides, surfaces.back_disparity, depths)
    behind = np.where(hides[:, :, None], surfaces.back, picture)
    return _make_layer(surfaces.front[:, :, :3], alpha, near), _make_layer(behind, np.ones_like(alpha), far)


def _grow(hides: NDArray[np.bool_], edges: NDArray[np.bool_], distance_px: int) -> NDArray[np.bool_]:
    """Return what hides something, (H,W), grown by ``distance_px`` along its surface: not over edges.

    Where a surface ceases to hide anything, or hides what nobody looked for, it is in both layers, so far that where it
    leaves the foreground only the surface itself can be seen behind it: nothing shows where that is.
    """
    grown, free = (hides & ~edges).astype(np.uint8), (~edges).astype(np.uint8)
    for _ in range(distance_px):
        grown = np.asarray(cv2.dilate(grown, np.ones((3, 3), np.uint8)), np.uint8) & free
    return grown > 0


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
