"""Which pixels hide background that blur may show: a band along the outlines of what is near, on the near side.

From every jump of disparity pixels walk uphill along its gradient, a px a step, splatted bilinearly onto the pixels
about them; where they meet nothing cancels but opposite directions. Only pixels that were reached in the step before
walk, so that the work is the band's area and not the picture's times the steps.
"""

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

JUMP = 0.2
"""Of the smoothed Sobel gradient, |x| + |y|, of disparity in [0,1]: a step of height h has 4 h before smoothing."""

SMOOTHING_PX = 7
SMALLEST_AREA = 1e-4
"""Outlines that cover less of the picture than this are dropped."""

BORDER = 2
"""How far a splat can leave the picture, in px, and one more."""


def find_hiding(disparity: Floats, steps: int, dilation_px: int) -> Mask:
    """Return the pixels (H,W) that hide background within ``steps`` px of an outline.

    ``disparity``: (H,W), [0,1]; ``dilation_px``: side of the square by which the result is dilated, odd.

    Source: MPIB (Peng et al., ECCV 2022), Sec. 3.2, in the form of the authors' published program.
    """
    gradient, outline = find_outlines(disparity)
    hiding = torch.from_numpy(walk_uphill(gradient, outline, steps)).float()
    return F.max_pool2d(hiding[None, None], dilation_px, stride=1, padding=dilation_px // 2)[0, 0].numpy() > 0.0


def find_outlines(disparity: Floats) -> tuple[Floats, Mask]:
    """Return the smoothed gradient (2,H,W), x first, and where it is a jump, (H,W), of disparity (H,W) in [0,1]."""
    sides = [cv2.Sobel(disparity, ddepth=-1, dx=1, dy=0), cv2.Sobel(disparity, ddepth=-1, dx=0, dy=1)]
    smoothed = [cv2.GaussianBlur(side, (SMOOTHING_PX, SMOOTHING_PX), 0) for side in sides]
    gradient = np.stack(smoothed).astype(np.float32, copy=False)
    jumps = np.abs(gradient).sum(axis=0) > JUMP
    _, labels = cv2.connectedComponents(jumps.astype(np.uint8), connectivity=8)
    return gradient, jumps & (np.bincount(labels.ravel()) >= SMALLEST_AREA * labels.size)[labels]


def walk_uphill(gradient: Floats, start: Mask, steps: int) -> Mask:
    """Return ``start`` and what its pixels reach within ``steps`` steps of 1 px along the gradient.

    A pixel that something reaches walks on along the sum of what arrived, weighted as the splat is; where that is 0,
    it is not reached yet. ``gradient``: (2,H,W), x first, not 0 in ``start`` (H,W).
    """
    height, width = start.shape
    stride = width + 2 * BORDER
    reached = np.pad(start, BORDER, constant_values=True).ravel()  # beyond the border nobody walks
    direction = np.pad(gradient * start, ((0, 0), (BORDER, BORDER), (BORDER, BORDER))).reshape(2, -1)
    arrived = np.zeros_like(direction)
    walking = np.flatnonzero(np.pad(start, BORDER).ravel())
    for _ in range(steps):
        targets = _splat(direction[:, walking], walking, stride, arrived)
        targets = np.unique(targets[~reached[targets]])
        walking = targets[np.abs(arrived[:, targets]).sum(axis=0) > 0.0]
        if not walking.size:
            break
        reached[walking] = True
        direction[:, walking] = arrived[:, walking]
    return reached.reshape(height + 2 * BORDER, stride)[BORDER:-BORDER, BORDER:-BORDER].copy()


def _splat(direction: Floats, walking: NDArray[np.intp], stride: int, arrived: Floats) -> NDArray[np.intp]:
    """Add each walker's unit vector to the four pixels about where its step ends; returns all of these.

    ``direction``: (2,N), of any length; ``walking``: flat indices; ``arrived``: (2,pixels), added to.
    """
    unit = direction / (np.sqrt((direction**2).sum(axis=0)) + np.float32(1e-10))
    whole = np.floor(unit)
    part = unit - whole
    corner = walking + whole[0].astype(np.intp) + stride * whole[1].astype(np.intp)
    reached = []
    for y, weight_y in ((0, 1.0 - part[1]), (1, part[1])):
        for x, weight_x in ((0, 1.0 - part[0]), (1, part[0])):
            target = corner + x + y * stride
            np.add.at(arrived[0], target, unit[0] * weight_x * weight_y)
            np.add.at(arrived[1], target, unit[1] * weight_x * weight_y)
            reached.append(target)
    return np.concatenate(reached)
