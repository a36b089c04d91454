"""How the learning rate changes over a training."""

import math


def progress_at(step: int, steps: int) -> float:
    """Return how far a training is at update ``step``: 0 at the first, 1 at the last of ``steps``."""
    return min(step / max(steps - 1, 1), 1.0)


def learning_rate_factor(step: int, steps: int, warmup: int, hold: float) -> float:
    """Return the factor on the learning rate at update ``step`` of ``steps``, [0,1].

    Linear from 0 over ``warmup`` updates, then 1 for a share ``hold`` of the rest, then a half cosine down to 0.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    rest = max(steps - warmup, 1)
    progress = (step - warmup) / rest
    if progress <= hold:
        return 1.0
    return 0.5 * (1.0 + math.cos(math.pi * min((progress - hold) / (1.0 - hold), 1.0)))
