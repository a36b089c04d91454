"""Scenes that the scatter kernels are tested on, and the definition as a loop."""

import math

import numpy as np
import torch


def scatter_naive(linear, radius_px):
    """The definition as a loop in float64."""
    height, width = radius_px.shape
    sums = np.zeros((4, height, width))
    for y in range(height):
        for x in range(width):
            r = float(radius_px[y, x])
            window = math.floor(r) + 1
            source = np.append(linear[:, y, x].double().numpy(), 1.0)
            for v in range(max(0, y - window), min(height, y + window + 1)):
                for u in range(max(0, x - window), min(width, x + window + 1)):
                    weight = (0.5 + 0.5 * math.tanh(4 * (r - math.hypot(u - x, v - y)))) / (r * r + 0.2)
                    sums[:, v, u] += weight * source
    return torch.from_numpy(sums[:3] / sums[3])


def noise(height, width, seed=0):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def two_planes(height, width, left_px, right_px):
    radius = torch.full((height, width), float(left_px))
    radius[:, width // 2 :] = right_px
    return radius


def black_and_white(height, width):
    linear = torch.zeros(3, height, width)
    linear[:, :, : width // 2] = 1.0
    return linear


SCENES = {
    "ramp": (noise(24, 28), torch.linspace(0, 9, 28).expand(24, 28).contiguous()),
    "planes": (noise(24, 28), two_planes(24, 28, 1.3, 7.8)),
    "planes, black and white": (black_and_white(24, 40), two_planes(24, 40, 3.0, 12.2)),
    "white, black": (1 - black_and_white(24, 40), two_planes(24, 40, 3.0, 12.2)),
    "sharp": (noise(12, 16), torch.zeros(12, 16)),
    "just below one": (noise(12, 16), torch.full((12, 16), 0.9)),
    "around integers": (noise(16, 21), 2.0 + (torch.arange(21) % 3 - 1).expand(16, 21) * 1e-4),
    "larger than the image": (noise(10, 14), torch.full((10, 14), 5000.0)),
    "large beside small": (black_and_white(10, 20), two_planes(10, 20, 3.0, 5000.0)),
    "one row": (noise(1, 30), torch.linspace(0, 6, 30)[None]),
    "one column": (noise(30, 1), torch.linspace(0, 6, 30)[:, None].contiguous()),
    "one pixel": (noise(1, 1), torch.full((1, 1), 3.0)),
}
