"""Where random crops lie: decided by the training's seed, the step and the sample alone."""

import numpy as np
import torch


def draw_corner(
    seed: int, step: int, index: int, size: tuple[int, int], side_px: int, multiple: int = 1
) -> tuple[int, int]:
    """Return top and left, multiples of ``multiple``, of a square in a picture of ``size`` (rows, columns)."""
    draw = torch.Generator().manual_seed(_crop_seed(seed, step, index))
    top, left = (
        multiple * int(torch.randint((length - side_px) // multiple + 1, (), generator=draw)) for length in size
    )
    return top, left


def _crop_seed(seed: int, step: int, index: int) -> int:
    return int(np.random.SeedSequence([seed, step, index]).generate_state(1, np.uint64)[0] >> 1)
