"""How MPIB's parts make one picture: hidden background is filled in, planes are cut, enlarged, blurred and stacked.

Pictures are (1,3,H,W) float32, display-encoded, [0,1]; disparity is (1,1,H,W) float32, [0,1], larger = nearer.

Source: MPIB (Peng et al., ECCV 2022), in the form of the authors' published program.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...core.optics import to_linear
from ...core.timing import stage
from ..resize import resize
from .inpainting import INPAINTING_MULTIPLE, InpaintingNetwork
from .lens import Lens
from .networks import MPINET_MULTIPLE, AUPNet, MPINet
from .outlines import find_hiding
from .planes import lay_over

INPAINTING_PX = 1024
MPINET_PX = 512
"""The shorter side of what the networks see, at the most."""

MPINET_STRENGTH_PX = 30.0
"""MPINet's picture is so small that the whole range of disparity is no more than this of radius there."""

DILATION_PX = 5
"""Side of the square by which the pixels that hide background, and the planes' share of it, are dilated."""

NEARLY_BLACK = 1e-10
"""Linear light that no pixel is darker than."""


@dataclass(frozen=True)
class Networks:
    """The three networks, on one device and in one type."""

    mpinet: MPINet
    aupnet: AUPNet
    inpnet: InpaintingNetwork
    dtype: torch.dtype


@dataclass(frozen=True)
class Planes:
    """The planes that differ, and ``places``: which of these N each of the PLANES is, farthest first.

    ``shares`` of the filled-in background and opacities ``alphas``: (N,1,h,w) float32, [0,1].
    """

    shares: Tensor
    alphas: Tensor
    places: list[int]


def working_size(height: int, width: int, short_px: float, multiple: int) -> tuple[int, int]:
    """Return the rows and columns at which a network works, whole multiples.

    The shorter side has ``short_px``, or the picture's where that is less, before rows and columns are brought up to
    multiples; a fraction of a px beyond one is cut off, not brought up.
    """
    rows = min(height, max(short_px, short_px * height / width))
    columns = min(width, max(short_px, short_px * width / height))
    return int((rows + multiple - 1) // multiple * multiple), int((columns + multiple - 1) // multiple * multiple)


def render(networks: Networks, image: Tensor, disparity: Tensor, lens: Lens, gamma: float) -> Tensor:
    """Return the blurred picture, (3,H,W) float32, display-encoded, [0,1]."""
    with stage("hidden background"):
        background = fill_in(networks, image, disparity, lens)[0]
    with stage("planes"):
        planes = cut(networks, image, disparity, lens)
    with stage("enlarging the planes"):
        planes = enlarge(networks, image, disparity, planes)
    with stage("last enlargement and blur"):
        seen = torch.zeros_like(image[0, :1]).expand(4, -1, -1)
        enlarged = enlarge_last(networks, image, disparity, planes)
        for place, alpha, radius_px in zip(planes.places, enlarged, lens.radii_px, strict=True):
            share = resize(planes.shares[place][None], image.shape[-2:])[0]
            colour = share * background + (1.0 - share) * image[0]
            seen = lay_over(seen, to_linear(colour, gamma), alpha, radius_px)
        return (seen[:3] / seen[3:]).clamp(NEARLY_BLACK, 1.0) ** (1.0 / gamma)


def fill_in(networks: Networks, image: Tensor, disparity: Tensor, lens: Lens) -> Tensor:
    """Return the picture with what hides background replaced by what may lie behind."""
    height, width = image.shape[-2:]
    size = working_size(height, width, INPAINTING_PX, INPAINTING_MULTIPLE)
    sharp = disparity[0, 0].cpu().numpy()
    small = cv2.resize(sharp, size[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)
    steps = int(2.0 * lens.strength * min(1.0, INPAINTING_PX / min(height, width)))
    found = find_hiding(small, steps, DILATION_PX)
    if not found.any():
        return image
    hiding = torch.from_numpy(found.astype(np.float32))[None, None].to(image.device)
    filled = networks.inpnet(resize(image, size).to(networks.dtype), hiding.to(networks.dtype)).float()
    share = resize(hiding, (height, width))
    return share * resize(filled, (height, width)) + (1.0 - share) * image


def cut(networks: Networks, image: Tensor, disparity: Tensor, lens: Lens) -> Planes:
    """Return the planes at the size at which MPINet works."""
    height, width = image.shape[-2:]
    short_px = MPINET_PX
    if lens.strength * MPINET_PX > min(height, width) * MPINET_STRENGTH_PX:
        short_px = max(int(min(height, width) * MPINET_STRENGTH_PX / lens.strength), 1)
    size = working_size(height, width, short_px, MPINET_MULTIPLE)
    shares, alphas, places = networks.mpinet(resize(image, size).to(networks.dtype), resize(disparity, size))
    shares = F.max_pool2d(shares.float(), DILATION_PX, stride=1, padding=DILATION_PX // 2)
    return Planes(shares, alphas.float(), places)


def enlarge(networks: Networks, image: Tensor, disparity: Tensor, planes: Planes) -> Planes:
    """Return the planes with opacities doubled in size as often as their rows stay within the picture's."""
    alphas = planes.alphas
    for _ in range(int(math.log2(max(image.shape[-2] / alphas.shape[-2], 1.0)))):
        rows, columns = alphas.shape[-2:]
        double = _doubling(networks, image, disparity, (2 * rows, 2 * columns))
        alphas = torch.cat([double(alpha) for alpha in alphas.split(1)])
    return replace(planes, alphas=alphas)


def enlarge_last(networks: Networks, image: Tensor, disparity: Tensor, planes: Planes) -> Iterator[Tensor]:
    """Yield the opacities of each of the PLANES at the picture's size, (1,H,W).

    One after the other, since all would fill the memory; those that several planes have are made once.
    """
    height, width = image.shape[-2:]
    rows, columns = working_size(height, width, min(height, width), 2)
    double = _doubling(networks, image, disparity, (rows, columns))
    kept: dict[int, Tensor] = {}
    for place in planes.places:
        alpha = kept.get(place)
        if alpha is None:
            half = resize(planes.alphas[place][None], (rows // 2, columns // 2))
            alpha = resize(double(half), (height, width))[0]
            if planes.places.count(place) > 1:
                kept[place] = alpha
        yield alpha


def _doubling(
    networks: Networks, image: Tensor, disparity: Tensor, size: tuple[int, int]
) -> Callable[[Tensor], Tensor]:
    """Return what makes opacities (1,1,*size) of those of half the size."""
    inputs = (resize(maps, size).to(networks.dtype) for maps in (image, disparity))
    shared = networks.aupnet.share(*inputs)
    return lambda alpha: networks.aupnet(alpha.to(networks.dtype), shared).float()
